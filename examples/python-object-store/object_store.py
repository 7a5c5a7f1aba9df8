#!/usr/bin/env python3
"""An object store for Streambed in a folder, written in Python from docs/formats/plugin-process.md alone.

Each object is a file: a line of JSON (key, size, CRC-32, token, time), then its bytes. A put writes a temporary file, syncs it, and
gives it its name; with `ifAbsent` by a link, which fails where the name is taken.
"""
import json
import os
import struct
import sys
import threading
import time
import uuid
import zlib
from concurrent.futures import ThreadPoolExecutor

CAPABILITIES = {"conditionalCreate": "atomic", "multipart": False, "objectBytesMax": 256 * 1024 * 1024, "scope": "host", "latencyClass": "A"}


class Refused(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


class Store:
    def __init__(self, folder):
        self.objects = os.path.join(folder, "objects")
        self.temporary = os.path.join(folder, "temporary")
        for made in (folder, self.objects, self.temporary):
            os.makedirs(made, exist_ok=True)
        self.sync(folder)

    def path(self, key):
        # Hexadecimal names sort as the keys' bytes do; a folder's name may have 255 bytes, so long keys are folded into parts.
        name = key.encode().hex()
        parts = [name[at:at + 200] for at in range(0, len(name), 200)]
        return os.path.join(self.objects, *[part + "+" for part in parts[:-1]], parts[-1] + ".object")

    @staticmethod
    def sync(folder):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def put(self, call, body):
        path, token = self.path(call["key"]), uuid.uuid4().hex
        temporary = os.path.join(self.temporary, token)
        about = {"key": call["key"], "size": len(body), "crc": zlib.crc32(body), "versionToken": token, "modifiedMs": int(time.time() * 1000)}
        with open(temporary, "wb") as file:
            file.write(json.dumps(about).encode() + b"\n")
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        folder = os.path.dirname(path)
        if not os.path.isdir(folder):
            os.makedirs(folder, exist_ok=True)
            above = folder
            while above != self.objects:
                above = os.path.dirname(above)
                self.sync(above)
        try:
            if call["ifAbsent"]:
                os.link(temporary, path)
                os.unlink(temporary)
            else:
                os.rename(temporary, path)
        except FileExistsError:
            os.unlink(temporary)
            # Whoever made it may have died before this: told that it exists, the caller may rely on it.
            self.sync(folder)
            raise Refused("ALREADY_EXISTS", "the object exists. key=" + call["key"])
        self.sync(folder)
        return {"size": len(body), "versionToken": token}, b""

    def open(self, key):
        try:
            file = open(self.path(key), "rb")
        except FileNotFoundError:
            raise Refused("NOT_FOUND", "no such object. key=" + key)
        try:
            return file, json.loads(file.readline())
        except ValueError:
            file.close()
            raise Refused("CORRUPT", "the object is damaged: its first line is no JSON. key=" + key)

    def get(self, call, _):
        file, about = self.open(call["key"])
        with file:
            body = file.read()
        if len(body) != about["size"] or zlib.crc32(body) != about["crc"]:
            raise Refused("CORRUPT", "the object is damaged: its bytes fail their checksum. key=" + call["key"])
        if "range" not in call:
            return {}, body
        start, end = call["range"]
        if start > len(body):
            raise Refused("OUT_OF_RANGE", "the range starts past the end. key=%s start=%d size=%d" % (call["key"], start, len(body)))
        return {}, body[start:end]

    def head(self, call, _):
        file, about = self.open(call["key"])
        file.close()
        return {name: about[name] for name in ("size", "versionToken", "modifiedMs")}, b""

    def keys(self, folder, before):
        for name in os.listdir(folder):
            if name.endswith("+"):
                try:
                    yield from self.keys(os.path.join(folder, name), before + name[:-1])
                except FileNotFoundError:
                    continue
            elif name.endswith(".object"):
                yield bytes.fromhex(before + name[:-len(".object")])

    def list(self, call, _):
        prefix, after = call["prefix"].encode(), call.get("startAfter", "").encode()
        keys = sorted(key for key in self.keys(self.objects, "") if key.startswith(prefix) and (after == b"" or key > after))
        objects = []
        for at, key in enumerate(keys):
            if len(objects) == call["limit"]:
                return {"objects": objects, "isLast": at == len(keys)}, b""
            try:
                about, _ = self.head({"key": key.decode()}, b"")
            except Refused as refused:
                if refused.code != "NOT_FOUND":
                    raise
                continue
            objects.append({"key": key.decode(), **about})
        return {"objects": objects, "isLast": True}, b""

    def delete(self, call, _):
        for key in call["keys"]:
            try:
                os.unlink(self.path(key))
            except FileNotFoundError:
                continue
            self.sync(os.path.dirname(self.path(key)))
        return {"failures": {}}, b""

    def sweepUploads(self, _call, _body):
        return {"count": 0}, b""

    def preflight(self, _call, _body):
        return {"findings": []}, b""


class Guest:
    """Reads calls from standard input, answers on standard output in the order in which they are done."""

    def __init__(self):
        self.store = None
        self.writing = threading.Lock()
        self.pool = ThreadPoolExecutor(8)

    def send(self, header, body=b""):
        text = json.dumps(header).encode()
        with self.writing:
            sys.stdout.buffer.write(struct.pack(">II", len(text), len(body)) + text + body)
            sys.stdout.buffer.flush()

    def opened(self, call):
        if call["protocol"] != 1 or call["kind"] != "objectStore":
            raise Refused("UNSUPPORTED", "this is an object store that speaks version 1 of the protocol")
        unknown = set(call["options"]) - {"folder"}
        if unknown or not isinstance(call["options"].get("folder"), str):
            raise Refused("MISCONFIGURED", "options: expected the one key 'folder', a path; got " + ", ".join(sorted(call["options"])))
        self.store = Store(call["options"]["folder"])
        return {"capabilities": CAPABILITIES}

    def answer(self, call, body):
        try:
            if call["call"] == "open":
                self.send({"id": call["id"], "ok": self.opened(call)})
                return
            handler = getattr(self.store, call["call"], None)
            if handler is None:
                raise Refused("UNSUPPORTED", "no such call. call=" + call["call"])
            ok, bytes_ = handler(call, body)
            self.send({"id": call["id"], "ok": ok}, bytes_)
        except Refused as refused:
            self.send({"id": call["id"], "error": {"code": refused.code, "message": str(refused)}})
        except OSError as error:
            code = {28: "OUT_OF_SPACE", 13: "PERMISSION_DENIED"}.get(error.errno, "OUTCOME_UNKNOWN" if call["call"] in ("put", "delete") else "UNAVAILABLE")
            self.send({"id": call["id"], "error": {"code": code, "message": str(error)}})

    def run(self):
        source = sys.stdin.buffer
        while True:
            sizes = source.read(8)
            if len(sizes) < 8:
                break  # The host is gone.
            header_size, body_size = struct.unpack(">II", sizes)
            call, body = json.loads(source.read(header_size)), source.read(body_size)
            if "cancel" in call:
                continue  # Every call of ours ends soon by itself.
            if call["call"] == "close":
                self.pool.shutdown(wait=True)
                self.send({"id": call["id"], "ok": {}})
                break
            if call["call"] == "open":
                self.answer(call, body)
            else:
                self.pool.submit(self.answer, call, body)


if __name__ == "__main__":
    Guest().run()
