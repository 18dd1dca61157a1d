#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// serve PORT: sends everything back. ask HOST PORT: one line there and back.
const net = require("net");
const [role, ...where] = process.argv.slice(2);

if (role === "serve") {
  net.createServer((socket) => socket.pipe(socket)).listen(Number(where[0]));
} else {
  const socket = net.connect(Number(where[1]), where[0], () => socket.write("hello\n"));
  socket.setTimeout(5000, () => process.exit(2));
  socket.on("error", () => process.exit(3));
  socket.on("data", (data) => process.exit(data.toString() === "hello\n" ? 0 : 1));
}
