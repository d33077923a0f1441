"""A small program for nodes that shows what a link lets pass. With the standard library only.

    probe.py answer ADDRESS PORT          echoes datagrams, and prints "NAME SECONDS" for each: what arrived when
    probe.py stream ADDRESS PORT          accepts one connection and prints how many bytes came, and how the connection ended
    probe.py ask ADDRESS PORT COUNT MS    sends datagrams, one by one; prints the round trip of each, or "lost" after so many milliseconds
    probe.py send ADDRESS PORT BYTES      connects, sends, waits for the end; prints the seconds
    probe.py hold ADDRESS PORT            connects, prints "connected" and waits until it is killed
"""

import socket
import sys
import time


def answer(address: tuple[str, int]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(address)
        print("ready", flush=True)
        while True:
            content, sender = server.recvfrom(100)
            print(content.decode(), flush=True)
            server.sendto(content, sender)


def stream(address: tuple[str, int]) -> None:
    with socket.create_server(address) as server:
        print("ready", flush=True)
        connection, _ = server.accept()
        print("accepted", flush=True)
        received = 0
        try:
            while content := connection.recv(65536):
                received += len(content)
            ending = "closed"
        except OSError as error:
            ending = type(error).__name__
        print(received, ending, flush=True)


def ask(address: tuple[str, int], count: int, milliseconds: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(milliseconds / 1000)
        for number in range(count):
            started = time.monotonic()
            client.sendto(str(number).encode(), address)
            try:
                while client.recv(100) != str(number).encode():
                    pass
                print(time.monotonic() - started)
            except TimeoutError:
                print("lost")


def send(address: tuple[str, int], size: int) -> None:
    with socket.create_connection(address) as client:
        started = time.monotonic()
        client.sendall(bytes(size))
        client.shutdown(socket.SHUT_WR)
        client.recv(1)
        print(time.monotonic() - started)


def hold(address: tuple[str, int]) -> None:
    with socket.create_connection(address):
        print("connected", flush=True)
        time.sleep(1000)


if __name__ == "__main__":
    action, host, port, *rest = sys.argv[1:]
    {"answer": answer, "stream": stream, "ask": ask, "send": send, "hold": hold}[action]((host, int(port)), *map(int, rest))  # type: ignore[operator]
