#!/usr/bin/perl
# SPDX-License-Identifier: MIT
# serve PORT: sends each line of one connection after the other back.
use strict;
use warnings;
use IO::Socket::INET;

my $server = IO::Socket::INET->new(LocalPort => $ARGV[1], Listen => 5, ReuseAddr => 1) or die $!;
while (my $client = $server->accept) {
	$client->autoflush(1);
	print $client $_ while <$client>;
}
