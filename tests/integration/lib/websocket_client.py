"""A client of the gateway in Python, on Debian's python3-websockets: subscribes, keeps the books by the rules of
docs/stream.md, checks chain and checksum, and ends when every book is CLOSED and nothing more comes.

Usage: websocket_client.py URL PATTERN COMPRESSION (none or deflate). Writes one JSON object: what it saw, and its last books.
"""
import asyncio
import json
import struct
import sys

import websockets

TABLE = []
for index in range(256):
    value = index
    for _ in range(8):
        value = (value >> 1) ^ 0x82F63B78 if value & 1 else value >> 1
    TABLE.append(value)


def crc32c(data):
    value = 0xFFFFFFFF
    for byte in data:
        value = TABLE[(value ^ byte) & 0xFF] ^ (value >> 8)
    return value ^ 0xFFFFFFFF


def exact(text):
    return int(text.replace(".", ""))


class Book:
    def __init__(self):
        self.sides = ({}, {})
        self.chain = None

    def take(self, message):
        """None, or what is wrong."""
        head = (message["epoch"], message["term"])
        if message.get("snapshot"):
            self.sides = ({}, {})
        elif self.chain != (head, message["prev_seq"]):
            return f"chain: {self.chain} and {head} {message['prev_seq']}"
        self.chain = (head, message["seq"])
        depth = message["depth"]
        for side, levels, best_first in zip(self.sides, (message.get("bids", []), message.get("asks", [])), (True, False)):
            for price, quantity, orders in levels:
                if exact(quantity) == 0:
                    side.pop(exact(price), None)
                else:
                    side[exact(price)] = (exact(quantity), orders)
            for price in sorted(side, reverse=best_first)[depth:]:
                del side[price]
        self.state = message["state"]
        return None if self.checksum(depth) == int(message["checksum"]) else "checksum"

    def levels(self):
        return [[(price, *side[price]) for price in sorted(side, reverse=best_first)]
                for side, best_first in zip(self.sides, (True, False))]

    def checksum(self, depth):
        data = b""
        for levels in self.levels():
            kept = levels[: min(10, depth)]
            data += bytes([len(kept)]) + b"".join(struct.pack("<qQ", price, quantity) for price, quantity, _ in kept)
        return crc32c(data)


async def main(url, pattern, compression):
    books, faults, count = {}, [], 0
    options = {"subprotocols": ["tickwire.json.v1"], "compression": None if compression == "none" else compression}
    async with websockets.connect(url, **options) as socket:
        hello = json.loads(await socket.recv())
        await socket.send(json.dumps({"id": "py", "op": "subscribe", "subjects": [pattern]}))
        pong = await socket.ping(b"x" * 125)
        await asyncio.wait_for(pong, 30)
        ack = None
        while True:
            over = books and all(book.state == "CLOSED" for book in books.values())
            try:
                message = json.loads(await asyncio.wait_for(socket.recv(), 0.5 if over else 30))
            except asyncio.TimeoutError:
                if over:  # the state may overtake the last levels
                    break
                raise
            if message["type"] == "ack":
                ack = message
            if message["type"] == "book":
                count += 1
                fault = books.setdefault(message["subject"], Book()).take(message)
                if fault:
                    faults.append(f"{message['subject']} {fault}")
        extensions = [extension.name for extension in socket.extensions]
        subprotocol = socket.subprotocol
    print(json.dumps({"hello": hello["type"], "ack": ack["id"], "subprotocol": subprotocol, "extensions": extensions,
                      "code": socket.close_code, "books": count, "faults": faults[:3],
                      "shown": {subject: book.levels() for subject, book in books.items()}}))


asyncio.run(main(*sys.argv[1:]))
