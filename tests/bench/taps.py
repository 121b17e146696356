#!/usr/bin/python3
"""taps.py HOST:PORT PATHS CONNECTIONS: opens each path once over that many keep-alive connections, as fast as it gets
answers; every answer must be a 302.  A bare epoll loop, because a client that is slower than the server measures itself."""
import select
import socket
import sys

AGENT = ("User-Agent: Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
         "Version/18.0 Mobile/15E148 Safari/604.1\r\nAccept: */*\r\n\r\n")


def main():
    host, port = sys.argv[1].rsplit(":", 1)
    with open(sys.argv[2], encoding="ascii") as f:
        waiting = [f"GET {line.strip()} HTTP/1.1\r\nHost: s.example\r\n{AGENT}".encode() for line in f]
    epoll, sockets = select.epoll(), {}
    for _ in range(min(int(sys.argv[3]), len(waiting))):
        s = socket.create_connection((host, int(port)))
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        s.send(waiting.pop())
        sockets[s.fileno()] = s
        epoll.register(s.fileno(), select.EPOLLIN)
    found = 0
    while sockets:
        for fd, _ in epoll.poll():
            s = sockets[fd]
            answer = s.recv(65536)
            assert answer.startswith(b"HTTP/1.1 302"), answer[:200]
            found += 1
            if waiting:
                s.send(waiting.pop())
            else:
                epoll.unregister(fd)
                sockets.pop(fd).close()
    print(f"{found} redirects")


if __name__ == "__main__":
    main()
