// SPDX-License-Identifier: MIT

// An echo server as it is written on the first day: forgetful [-close] PORT. Each connection has a
// goroutine that reads until EOF and returns. Without -close it forgets the Close: the connection is
// in a map, as servers keep them for statistics or broadcasts, so no finalizer closes it either.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"net"
	"os"
	"sync"
	"time"
)

var (
	mu    sync.Mutex
	conns = map[net.Conn]bool{}
)

func serve(conn net.Conn, mended bool) {
	if mended {
		defer func() {
			mu.Lock()
			delete(conns, conn)
			mu.Unlock()
			conn.Close()
		}()
	}
	mu.Lock()
	conns[conn] = true
	mu.Unlock()
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		if _, err := fmt.Fprintln(conn, lines.Text()); err != nil {
			return
		}
	}
}

func main() {
	mended := flag.Bool("close", false, "close each connection when its peer has")
	flag.Parse()
	listener, err := net.Listen("tcp", ":"+flag.Arg(0))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for {
		conn, err := listener.Accept()
		if err != nil { // EMFILE: the incident's last act
			fmt.Fprintln(os.Stderr, err)
			time.Sleep(100 * time.Millisecond) // net/http does it too
			continue
		}
		go serve(conn, *mended)
	}
}
