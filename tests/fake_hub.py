"""A Hugging Face Hub in memory, on loopback: repositories, commits, large files; failures on demand."""

import base64
import hashlib
import json
import re
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LARGE = (".safetensors", ".onnx", ".parquet")


def git_hash(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class Hub:
    """`failures` holds per repository what happens to its next commits: a status, "unheard" (not done, no answer), "lost" (done, no
    answer) or "slow" (done, the answer comes after the client's next request)."""

    def __init__(self):
        self.repos: dict[tuple[str, str], dict] = {}
        self.blobs: dict[str, bytes] = {}
        self.failures: dict[str, list] = {}
        self.next_request = threading.Event()
        self.bodies: list[bytes] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Handler,), {"hub": self}))
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def commits(self, repo: str, kind: str) -> int:
        """Commits after the one that makes the repository."""
        return len(self.repos[kind, repo]["commits"]) - 1

    def files(self, repo: str, kind: str) -> dict[str, bytes]:
        return {name: content for name, (content, _) in self.repos[kind, repo]["files"].items()}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *args):
        pass

    def answer(self, code, body=b"", kind="application/json", **headers):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            **{k.replace("_", "-"): v for k, v in headers.items()},
        }
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        whole = b""
        while size := int(self.rfile.readline(), 16):
            whole += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return whole

    def handle_request(self):
        body = self.read_body()
        self.hub.bodies.append(body)
        self.hub.next_request.set()
        url = urllib.parse.urlsplit(self.path)
        path, query = urllib.parse.unquote(url.path), urllib.parse.parse_qs(url.query)
        for pattern, route in ROUTES:
            if found := re.fullmatch(pattern, path):
                return route(self, body, query, *found.groups())
        return self.answer(200 if path == "/" else 404, {"error": path})

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = handle_request

    def base(self) -> str:
        return f"http://{self.headers['Host']}"

    def whoami(self, body, query):
        self.answer(200, {"type": "user", "name": "me", "orgs": [], "auth": {"accessToken": {"role": "write"}}})

    def validate(self, body, query):
        self.answer(200, {"errors": [], "warnings": []})

    def create(self, body, query):
        said = json.loads(body)
        kind, name = said.get("type") or "model", f"{said.get('organization') or 'me'}/{said['name']}"
        if (kind, name) in self.hub.repos:
            return self.answer(409, {"error": "exists", "url": f"{self.base()}/{name}"})
        private = said.get("private", said.get("visibility") == "private")
        self.hub.repos[kind, name] = {
            "files": {},
            "commits": [hashlib.sha1(name.encode()).hexdigest()],
            "private": private,
        }
        return self.answer(200, {"url": f"{self.base()}/{'' if kind == 'model' else 'datasets/'}{name}", "id": name})

    def put_blob(self, body, query, oid):
        assert hashlib.sha256(body).hexdigest() == oid
        self.hub.blobs[oid] = body
        self.answer(200)

    def lfs(self, body, query, kind, name):
        wanted = json.loads(body)["objects"]
        objects = [
            {"oid": o["oid"], "size": o["size"]}
            | (
                {}
                if o["oid"] in self.hub.blobs
                else {"actions": {"upload": {"href": f"{self.base()}/blob/{o['oid']}"}}}
            )
            for o in wanted
        ]
        self.answer(200, {"transfer": "basic", "objects": objects}, kind="application/vnd.git-lfs+json")

    def repo(self, kind, name):
        found = self.hub.repos.get((kind, name))
        if found is None:
            self.answer(404, {"error": "Repository not found"}, X_Error_Code="RepoNotFound")
        return found

    def info(self, body, query, kind, name, revision=None):
        repo = self.repo(kind, name)
        if repo:
            files = [{"rfilename": f} for f in sorted(repo["files"])]
            self.answer(
                200,
                {
                    "id": name,
                    "modelId": name,
                    "sha": repo["commits"][-1],
                    "private": repo["private"],
                    "tags": [],
                    "downloads": 0,
                    "likes": 0,
                    "siblings": files,
                    "lastModified": "2026-01-01T00:00:00.000Z",
                    "createdAt": "2026-01-01T00:00:00.000Z",
                },
            )

    def preupload(self, body, query, kind, name):
        files = [
            {"path": f["path"], "uploadMode": "lfs" if f["path"].endswith(LARGE) else "regular", "shouldIgnore": False}
            for f in json.loads(body)["files"]
        ]
        self.answer(200, {"files": files})

    def commit(self, body, query, kind, name):
        planned = self.hub.failures.get(name, [])
        failure = planned.pop(0) if planned else None
        if isinstance(failure, int):
            return self.answer(failure, {"error": "as asked"}, Retry_After="0")
        if failure != "unheard":
            code = self.take(self.hub.repos[kind, name], body)
            if code != 200:
                return self.answer(code, {"error": "the parent is not the head"})
        if failure == "slow":
            self.hub.next_request.clear()
            self.hub.next_request.wait(10)
        if failure:
            self.close_connection = True
            return self.connection.shutdown(2)
        oid = self.hub.repos[kind, name]["commits"][-1]
        return self.answer(
            200,
            {"success": True, "commitOid": oid, "commitUrl": f"{self.base()}/{name}/commit/{oid}", "hookOutput": ""},
        )

    def take(self, repo, body) -> int:
        lines = [json.loads(line) for line in body.splitlines()]
        parent = lines[0]["value"].get("parentCommit")
        if parent and parent != repo["commits"][-1]:
            return 412
        for line in lines[1:]:
            value = line["value"]
            if line["key"] == "file":
                repo["files"][value["path"]] = base64.b64decode(value["content"]), None
            elif line["key"] == "lfsFile":
                repo["files"][value["path"]] = self.hub.blobs[value["oid"]], value["oid"]
            elif line["key"] == "deletedFile":
                repo["files"].pop(value["path"])
        repo["commits"].append(hashlib.sha1(body + str(len(repo["commits"])).encode()).hexdigest())
        return 200

    def tree(self, body, query, kind, name, below):
        repo = self.repo(kind, name)
        if not repo:
            return None
        start = f"{below.strip('/')}/" if below else ""
        inside = {f: v for f, v in sorted(repo["files"].items()) if f.startswith(start)}
        if start and not inside:
            return self.answer(404, {"error": "Entry not found"}, X_Error_Code="EntryNotFound")
        deep = query.get("recursive", ["false"])[0].lower() == "true"
        folders = {start + f[len(start) :].split("/")[0] for f in inside if "/" in f[len(start) :]}
        rows = [{"type": "directory", "path": f, "size": 0, "oid": git_hash(f.encode())} for f in sorted(folders)]
        for f, (content, oid) in inside.items():
            if deep or "/" not in f[len(start) :]:
                row = {"type": "file", "path": f, "size": len(content), "oid": git_hash(content)}
                rows.append(row | ({"lfs": {"oid": oid, "size": len(content), "pointerSize": 130}} if oid else {}))
        return self.answer(200, rows)

    def paths(self, body, query, kind, name):
        asked = json.loads(body)["paths"] if body.startswith(b"{") else urllib.parse.parse_qs(body.decode())["paths"]
        files = self.hub.repos[kind, name]["files"]
        self.answer(
            200,
            [
                {"type": "file", "path": f, "size": len(files[f][0]), "oid": git_hash(files[f][0])}
                for f in asked
                if f in files
            ],
        )

    def refs(self, body, query, kind, name):
        head = self.hub.repos[kind, name]["commits"][-1]
        self.answer(
            200,
            {
                "branches": [{"name": "main", "ref": "refs/heads/main", "targetCommit": head}],
                "tags": [],
                "converts": [],
            },
        )

    def resolve(self, body, query, prefix, name, revision, path):
        repo = self.repo("dataset" if prefix else "model", name)
        if not repo:
            return None
        head = {"X_Repo_Commit": repo["commits"][-1]}
        if path not in repo["files"]:
            return self.answer(404, {"error": "Entry not found"}, X_Error_Code="EntryNotFound", **head)
        content, oid = repo["files"][path]
        head |= {"ETag": f'"{oid or git_hash(content)}"', "Accept_Ranges": "bytes"}
        head |= {"X_Linked_Etag": f'"{oid}"', "X_Linked_Size": str(len(content))} if oid else {}
        span, code, total = re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or ""), 200, len(content)
        if span and self.command == "GET":
            first = int(span[1])
            content, code = content[first : int(span[2]) + 1 if span[2] else None], 206
            head["Content_Range"] = f"bytes {first}-{first + len(content) - 1}/{total}"
        return self.answer(code, content, "application/octet-stream", **head)


REPO = r"/api/(model|dataset)s/([^/]+/[^/]+)"
ROUTES = [
    (r"/api/whoami-v2", Handler.whoami),
    (r"/api/validate-yaml", Handler.validate),
    (r"/api/repos/create", Handler.create),
    (r"/blob/(\w+)", Handler.put_blob),
    (r"/(datasets/)?([^/]+/[^/]+)\.git/info/lfs/objects/batch", Handler.lfs),
    (REPO, Handler.info),
    (REPO + r"/revision/(.+)", Handler.info),
    (REPO + r"/preupload/main", Handler.preupload),
    (REPO + r"/commit/main", Handler.commit),
    (REPO + r"/tree/[^/]+(/.*)?", Handler.tree),
    (REPO + r"/paths-info/.+", Handler.paths),
    (REPO + r"/refs", Handler.refs),
    (r"/(datasets/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)", Handler.resolve),
]
