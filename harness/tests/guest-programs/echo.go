// SPDX-License-Identifier: MIT

// serve PORT: sends everything back. ask HOST PORT: one line there and back.
package main

import (
	"bufio"
	"io"
	"net"
	"os"
	"time"
)

func serve(port string) {
	listener, err := net.Listen("tcp", ":"+port)
	if err != nil {
		os.Exit(3)
	}
	for {
		conn, err := listener.Accept()
		if err != nil {
			os.Exit(3)
		}
		go func() {
			_, _ = io.Copy(conn, conn)
			conn.Close()
		}()
	}
}

func ask(host, port string) {
	conn, err := net.DialTimeout("tcp", net.JoinHostPort(host, port), 5*time.Second)
	if err != nil {
		os.Exit(3)
	}
	_, _ = conn.Write([]byte("hello\n"))
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || line != "hello\n" {
		os.Exit(1)
	}
}

func main() {
	if os.Args[1] == "serve" {
		serve(os.Args[2])
	} else {
		ask(os.Args[2], os.Args[3])
	}
}
