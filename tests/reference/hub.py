"""What `editscope pull` leaves in the cache against what huggingface_hub leaves there.

    python tests/reference/hub.py [EDITSCOPE]

A server on this machine speaks the Hub's protocol for a repository made up here. Both programs
fetch from it into caches of their own; links, refs and blobs must be the same, and huggingface_hub
must find the files in our cache without a network. Nothing else is contacted.
"""

import hashlib
import http.server
import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"
FILES = {
    "config.json": b'{"model_type": "llama"}',
    "tokenizer.json": b"{}" * 500,
    "README.md": b"not for us",
    "model-00001-of-00002.safetensors": os.urandom(3_000_000),
    "model-00002-of-00002.safetensors": os.urandom(1_000_000),
    "model.safetensors.index.json": json.dumps(
        {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    ).encode(),
    "original/model.bin": b"not for us either",
}
WANTED = [f for f in FILES if f.endswith((".json", ".safetensors"))]


def etag(name):
    data = FILES[name]
    if name.endswith(".safetensors"):
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def entry(name):
    e = {"type": "file", "path": name, "size": len(FILES[name]), "oid": etag(name)}
    if name.endswith(".safetensors"):
        e["oid"] = "0" * 40
        e["lfs"] = {"oid": etag(name), "size": len(FILES[name]), "pointerSize": 130}
    return e


class Hub(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *a):
        pass

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for k, v in headers.items():
            self.send_header(k.replace("_", "-"), v)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        path = self.path.split("?")[0]
        if path.startswith("/api/models/org/name/tree/"):
            return self.answer(200, json.dumps([entry(f) for f in FILES]).encode())
        if path.startswith("/api/models/org/name"):
            about = {"id": "org/name", "sha": COMMIT, "siblings": [{"rfilename": f} for f in FILES],
                     "private": False, "tags": [], "downloads": 0}
            return self.answer(200, json.dumps(about).encode())
        kind, _, name = path.partition("/org/name/resolve/")[2].partition("/")
        cdn = path.startswith("/cdn/")
        if cdn:
            name = path[5:]
        if name not in FILES:
            return self.answer(404, X_Error_Code="EntryNotFound")
        if name.endswith(".safetensors") and not cdn:
            return self.answer(302, X_Repo_Commit=COMMIT, X_Linked_Etag=f'"{etag(name)}"',
                               X_Linked_Size=str(len(FILES[name])),
                               Location=f"http://localhost:{self.server.server_port}/cdn/{name}")
        return self.answer(200, FILES[name], X_Repo_Commit=COMMIT, ETag=f'"{etag(name)}"')

    do_HEAD = do_GET


def tree(root):
    found = {}
    for p in sorted(root.rglob("*")):
        if p.is_symlink():
            found[str(p.relative_to(root))] = "-> " + os.readlink(p)
        elif p.is_file():
            found[str(p.relative_to(root))] = hashlib.sha256(p.read_bytes()).hexdigest()
    return {k: v for k, v in found.items() if not k.startswith("trees/")}


def main():
    program = Path(sys.argv[1] if len(sys.argv) > 1 else "build/editscope").resolve()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as work:
        work = Path(work)
        env = {"HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}", "HF_TOKEN": "hf_secret",
               "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_XET": "1"}
        os.environ.update(env, HF_HOME=str(work / "theirs"))
        import huggingface_hub as hub

        ours = subprocess.run([program, "pull", "org/name"], env=dict(env, HF_HOME=str(work / "ours")),
                              capture_output=True, text=True)
        print(ours.stderr, end="")
        assert ours.returncode == 0, ours.returncode
        their_path = hub.snapshot_download("org/name", allow_patterns=WANTED)
        repo = "hub/models--org--name"
        a, b = tree(work / "ours" / repo), tree(work / "theirs" / repo)
        assert a == b, (a, b)
        mine = work / "ours" / "hub"
        assert hub.snapshot_download("org/name", cache_dir=mine, local_files_only=True,
                                     allow_patterns=WANTED) == ours.stdout.strip()
        for f in WANTED:
            found = hub.try_to_load_from_cache("org/name", f, cache_dir=mine)
            assert found and Path(found).read_bytes() == FILES[f], f
        found = hub.scan_cache_dir(mine)
        assert not found.warnings and len(found.repos) == 1, found.warnings
        theirs = subprocess.run([program, "pull", "org/name"], env=dict(env, HF_HOME=str(work / "theirs")),
                                capture_output=True, text=True)
        assert theirs.returncode == 0 and theirs.stdout.strip() == their_path, theirs.stderr
        print(f"huggingface_hub {hub.__version__}: {len(a)} files and links of {len(WANTED)} are the same")


main()
