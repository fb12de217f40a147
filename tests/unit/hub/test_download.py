"""Downloading from the hub by name, against a stand-in on this machine."""

import hashlib
import json
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.request import Request

import pytest

import clinspan
from clinspan.exceptions import (
    DamagedModelError,
    InputError,
    MissingExtraError,
    ModelNotFoundError,
    OutputError,
    UnsupportedModelError,
)
from clinspan.hub import answers
from clinspan.hub.download import fetch
from clinspan.hub.manifest import Manifest
from clinspan.hub.resolve import home
from toy_graph import write_toy_folder

COMMIT, LATER = "a1" * 20, "b2" * 20
MODEL = "ward-7/Toy.ner"


class StandIn:
    """A hub, or the store it sends clients on to: answers by path, and a log of what was asked."""

    def __init__(self):
        self.answers = {}
        self.requests = []
        log, answers = self.requests, self.answers

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                log.append((self.path, self.headers.get("Authorization")))
                status, headers, body = answers.get(self.path, (404, {}, b""))
                self.send_response(status)
                for name, value in {"Content-Length": len(body), **headers}.items():
                    if value is not None:
                        self.send_header(name, str(value))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                """Keep quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    def put(self, path, body, status=200, **headers):
        self.answers[path] = (status, {name.replace("_", "-"): value for name, value in headers.items()}, body)

    def describe(self, revision, commit, names, **about):
        about |= {"sha": commit, "siblings": [{"rfilename": name} for name in names]}
        self.put(f"/api/models/{MODEL}/revision/{revision}", json.dumps(about).encode())

    def publish(self, folder, commit=COMMIT, revisions=("main",), **about):
        """Serve a folder as a commit."""
        names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
        for revision in (commit, *revisions):
            self.describe(revision, commit, names, **about)
        for name in names:
            body = (folder / name).read_bytes()
            self.put(resolved(name, commit), body, ETag=f'"{hashlib.sha256(body).hexdigest()}"')

    @property
    def paths(self):
        return [path for path, _ in self.requests]


def resolved(name, commit=COMMIT):
    return f"/{MODEL}/resolve/{commit}/{name}"


@pytest.fixture
def hub(tmp_path, monkeypatch):
    stand_in = StandIn()
    for name in ("HF_TOKEN", "HF_HUB_OFFLINE", "CLINSPAN_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_ENDPOINT", stand_in.url)
    monkeypatch.setenv("CLINSPAN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("no_proxy", "*")
    yield stand_in
    stand_in.close()


@pytest.fixture
def store():
    stand_in = StandIn()
    yield stand_in
    stand_in.close()


@pytest.fixture
def folder(tmp_path):
    return write_toy_folder(tmp_path / "toy")


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*_):
        msg = "something reached for the network"
        raise AssertionError(msg)

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def models():
    """What lies in the directory of models, unfinished downloads included."""
    found = home() / "models"
    return sorted(path.name for path in found.iterdir()) if found.exists() else []


def test_a_model_is_downloaded_imported_and_runs(hub, folder):
    hub.publish(folder, cardData={"license": "mit", "language": ["en", "es"]})
    found = clinspan.load(f"hf:{MODEL}")("Aspirin for the heart.").entities
    assert [(e.text, e.label, e.model) for e in found] == [("Aspirin", "Drug", MODEL), ("heart", "Organ", MODEL)]
    manifest = Manifest.read(fetch(MODEL))
    assert (manifest.licence, manifest.languages, manifest.version) == ("mit", ("en", "es"), COMMIT)


def test_the_commit_is_pinned_and_asked_for_once(hub, folder):
    hub.publish(folder)
    first = fetch(f"{MODEL}@main")
    assert first == home() / "models" / f"ward-7--Toy.ner@{COMMIT}"
    assert hub.paths[0] == f"/api/models/{MODEL}/revision/main"
    assert all(COMMIT in path for path in hub.paths[1:])
    hub.publish(folder, LATER)  # the branch moves on
    hub.requests.clear()
    assert fetch(MODEL) == fetch(f"{MODEL}@{COMMIT}") == first
    assert hub.requests == []
    assert fetch(f"{MODEL}@{LATER}").name.endswith(LATER)
    assert models() == [f"ward-7--Toy.ner@{COMMIT}", f"ward-7--Toy.ner@{LATER}"]


def test_a_branch_with_a_slash(hub, folder):
    hub.publish(folder, revisions=["refs%2Fpr%2F1"])
    assert fetch(f"{MODEL}@refs/pr/1").name.endswith(COMMIT)
    hub.requests.clear()
    fetch(f"{MODEL}@refs/pr/1")
    assert hub.requests == []


def test_a_graph_in_its_folder_with_weights_beside_it(hub, tmp_path):
    folder = write_toy_folder(tmp_path / "toy", graph="onnx/model.onnx")
    (folder / "onnx" / "model.onnx_data").write_bytes(b"weights")
    (folder / "onnx" / "model_quantized.onnx").write_bytes(b"not asked for")
    hub.publish(folder)
    assert (fetch(MODEL) / "model.onnx_data").read_bytes() == b"weights"
    assert resolved("onnx/model_quantized.onnx") not in hub.paths


@pytest.mark.parametrize("variable", ["HF_HUB_OFFLINE", "CLINSPAN_OFFLINE"])
def test_offline(hub, folder, monkeypatch, variable):
    hub.publish(folder)
    monkeypatch.setenv(variable, "1")
    with pytest.raises(ModelNotFoundError, match=f"{variable} forbids downloads; unset it, or copy"):
        fetch(MODEL)
    assert hub.requests == []
    monkeypatch.delenv(variable)
    fetch(MODEL)
    hub.requests.clear()
    monkeypatch.setenv(variable, "1")
    assert fetch(MODEL) == fetch(f"{MODEL}@{COMMIT}")
    assert hub.requests == []


def _cut_short(hub, path):
    body = hub.answers[path][2]
    hub.put(path, body[:-1], Content_Length=len(body))


def _unlike_its_checksum(hub, path):
    status, headers, body = hub.answers[path]
    hub.answers[path] = (status, headers, b"x" + body[1:])


def _unlike_its_size(hub, path):
    hub.put(path, hub.answers[path][2], Content_Length=None, X_Linked_Size=3)


@pytest.mark.parametrize("spoil", [_cut_short, _unlike_its_checksum, _unlike_its_size])
@pytest.mark.parametrize("name", ["config.json", "model.onnx"])
def test_a_damaged_download_is_refused(hub, folder, spoil, name):
    hub.publish(folder)
    spoil(hub, resolved(name))
    with pytest.raises(DamagedModelError, match=f"{name} of hf:{MODEL}@main did not arrive as it was sent"):
        fetch(MODEL)
    assert models() == []
    hub.publish(folder)
    assert fetch(MODEL).is_dir()


def test_the_store_gets_no_token_and_its_etag_is_not_trusted(hub, store, folder, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "secret\n")
    hub.publish(folder)
    body = (folder / "model.onnx").read_bytes()
    store.put("/blob", body, ETag=f'"{"0" * 64}"')
    digest = hashlib.sha256(body).hexdigest()
    moved = {"Location": f"{store.url}/blob", "X_Linked_ETag": f'"{digest}"', "X_Linked_Size": len(body)}
    hub.put(resolved("model.onnx"), b"", 302, **moved)
    hub.put(resolved("config.json"), b"", 307, Location="/moved/config.json")  # within the hub
    hub.put("/moved/config.json", (folder / "config.json").read_bytes())
    fetch(MODEL)
    assert store.requests == [("/blob", None)]
    assert {token for _, token in hub.requests} == {"Bearer secret"}
    assert "/moved/config.json" in hub.paths


def test_the_checksum_is_that_of_the_hub(hub, store, folder):
    hub.publish(folder)
    body = (folder / "model.onnx").read_bytes()
    store.put("/blob", body, ETag=f'"{hashlib.sha256(body).hexdigest()}"')
    hub.put(resolved("model.onnx"), b"", 302, Location=f"{store.url}/blob", X_Linked_ETag=f'"{"0" * 64}"')
    with pytest.raises(DamagedModelError, match=r"model\.onnx"):
        fetch(MODEL)


@pytest.mark.parametrize("address", ["http://hub.example/model", "ftp://hub.example/model", "file:///etc/passwd"])
def test_no_way_from_https_to_anything_else(address):
    request = Request("https://hub.example/model")
    with pytest.raises(OSError, match="not https"):
        answers._Redirects("https://hub.example").redirect_request(request, None, 302, "", {}, address)


@pytest.mark.parametrize(
    "reference",
    [
        "",
        "toy",
        "../toy",
        "ward/..",
        "ward/../toy",
        "ward/.hidden",
        "/etc/passwd",
        "ward/toy/more",
        "ward\\toy/x",
        "ward/toy@",
        "ward/toy@../main",
        "ward/toy@a/../b",
        "ward/toy@/main",
        "ward/toy?x=1",
        "ward/toy#x",
        "ward/toy\n",
        "http://elsewhere/toy",
        "ward/to%2Fy",
    ],
)
def test_names_cannot_leave_the_hub_or_the_directory(hub, reference):
    with pytest.raises(ModelNotFoundError, match="no model on the hub"):
        fetch(reference)
    assert hub.requests == []
    assert models() == []


@pytest.mark.parametrize(
    "answer",
    [
        b"<html>",
        b"[]",
        b"{}",
        b'{"sha": "../../../etc", "siblings": []}',
        b'{"sha": 5, "siblings": []}',
        b'{"sha": "%b", "siblings": [1]}' % COMMIT.encode(),
    ],
)
def test_an_answer_that_is_not_the_hubs(hub, answer):
    hub.put(f"/api/models/{MODEL}/revision/main", answer)
    with pytest.raises(ModelNotFoundError, match="does not answer like a Hugging Face hub"):
        fetch(MODEL)
    assert models() == []


def test_a_commit_must_be_that_commit(hub, folder):
    hub.publish(folder)
    hub.put(f"/api/models/{MODEL}/revision/{LATER}", hub.answers[f"/api/models/{MODEL}/revision/main"][2])
    with pytest.raises(ModelNotFoundError, match="does not answer like"):
        fetch(f"{MODEL}@{LATER}")


@pytest.mark.parametrize("status", [401, 403, 404])
def test_an_unknown_or_private_model(hub, status):
    hub.put(f"/api/models/{MODEL}/revision/main", b"", status)
    with pytest.raises(ModelNotFoundError, match=rf"The hub has no hf:{MODEL}@main \(status {status}\).*HF_TOKEN"):
        fetch(MODEL)


def test_a_hub_that_fails(hub):
    hub.put(f"/api/models/{MODEL}/revision/main", b"", 503)
    with pytest.raises(ModelNotFoundError, match=r"could not be downloaded \(.*503.*\); try again"):
        fetch(MODEL)


def test_a_hub_that_is_not_there(hub, monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{free.getsockname()[1]}")
        with pytest.raises(ModelNotFoundError, match=r"could not be downloaded .*HF_ENDPOINT"):
            fetch(MODEL)


@pytest.mark.parametrize("endpoint", ["file:///etc", "ftp://hub.example", "hub.example", "https://"])
def test_the_address_must_be_http(hub, monkeypatch, endpoint):
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    with pytest.raises(InputError, match="must be an http:// or https:// address"):
        fetch(MODEL)


def test_what_cannot_be_imported_is_refused_before_the_weights_are_loaded(hub, folder, monkeypatch):
    hub.publish(folder)
    hub.describe("main", COMMIT, ["config.json", "tokenizer.json", "pytorch_model.bin"])
    with pytest.raises(UnsupportedModelError, match=f"hf:{MODEL}@main has its weights as a pickle"):
        fetch(MODEL)
    hub.describe("main", COMMIT, ["config.json", "model.onnx"])
    with pytest.raises(UnsupportedModelError, match=r"has no tokenizer\.json"):
        fetch(MODEL)
    hub.describe("main", COMMIT, ["config.json", "tokenizer.json", "model.safetensors"])
    monkeypatch.setitem(sys.modules, "clinspan.training.convert", None)
    with pytest.raises(MissingExtraError, match=r"clinspan\[train\]"):
        fetch(MODEL)
    assert {path.split("/")[1] for path in hub.paths} == {"api"}
    write_toy_folder(folder, config={"id2label": None})
    hub.publish(folder)
    with pytest.raises(UnsupportedModelError, match="only token classifiers"):
        fetch(MODEL)
    assert resolved("model.onnx") not in hub.paths
    assert models() == []


def test_a_home_that_cannot_be_written(hub, folder, tmp_path, monkeypatch):
    hub.publish(folder)
    (tmp_path / "file").touch()
    monkeypatch.setenv("CLINSPAN_HOME", str(tmp_path / "file"))
    with pytest.raises(OutputError, match="could not be stored"):
        fetch(MODEL)


def test_nothing_is_drawn_where_there_is_no_terminal(hub, folder, capfd):
    hub.publish(folder)
    fetch(MODEL)
    assert capfd.readouterr() == ("", "")


def test_no_network_unless_asked_by_name(hub, no_network):
    with pytest.raises(ModelNotFoundError):
        clinspan.load("no/such-model")
    with pytest.raises(AssertionError, match="reached for the network"):
        fetch(MODEL)
    assert hub.requests == []
