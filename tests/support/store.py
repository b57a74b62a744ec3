"""The image store of an instance as its files show it, and `berth` on it."""

import contextlib
import hashlib
import json
import os
import pathlib
import subprocess

import layer_tree
from berth import BIN, PATIENCE, Outcome


class StoreRoot:
    """A store directory of a test's own."""

    def __init__(self, directory, config=None):
        self.directory = pathlib.Path(directory)
        self.root = self.directory / "root"
        self.config = self.directory / "berth.json"
        self.directory.mkdir(parents=True, exist_ok=True)
        self.config.write_text(json.dumps(config or {}))

    def command(self, *arguments):
        return [str(BIN / "berth"), "--config", str(self.config), "--root", str(self.root), "--run",
                str(self.directory / "run"), *map(str, arguments)]

    def berth(self, *arguments, **environment):
        done = subprocess.run(self.command(*arguments), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=120 * PATIENCE, check=False,
                              env={**os.environ, "HOME": str(self.directory), **environment})
        return Outcome(done.returncode, done.stdout, done.stderr)

    def must(self, *arguments, **environment):
        outcome = self.berth(*arguments, **environment)
        assert outcome.code == 0, outcome
        return outcome

    def json(self, *arguments):
        return json.loads(self.must(*arguments, "--format", "json").out)

    def check(self):
        """What `system check` finds, whatever its exit code."""
        outcome = self.berth("system", "check", "--format", "json")
        assert outcome.code in (0, 1), outcome
        report = json.loads(outcome.out)
        assert (outcome.code == 1) == bool(report["damages"]), outcome
        return report

    def assert_well(self, images=None):
        """All that is visible is whole, and nothing is left of what was not finished."""
        report = self.check()
        assert report["damages"] == [], report
        if images is not None:
            assert report["images"] == images, report
        assert self.names("tmp") == []
        assert all(name.endswith(".json") for name in self.names("images"))
        for blob in (self.root / "blobs/sha256").iterdir():
            assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name
        return report

    def looks(self):
        """Hex of the chain id -> what each unpacked layer looks like, file by file."""
        found = {}
        for layer in (self.root / "layers").iterdir():
            entries = found[layer.name] = {}
            with layer_tree.opened(layer_tree.tree_in(layer)) as tree:
                for path in sorted(tree.rglob("*")):
                    entries[str(path.relative_to(tree))] = layer_tree.look(path)
            json.loads((layer / "layer.json").read_text())
        return found

    def assert_whole(self, looks):
        """As assert_well(), without berth, and whatever lies in tmp/; `looks` are those of an undisturbed store."""
        if not (self.root / "locks").exists():
            return []
        for blob in (self.root / "blobs/sha256").iterdir():
            assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name
        for name, entries in self.looks().items():
            assert entries == looks[name], name
        records = self.records()
        for record in records:
            assert self.blob(record["manifest_digest"]).exists() and self.blob(record["config_digest"]).exists()
            assert all(self.layer(chain_id).exists() for chain_id in record["layers"])
        return records

    def names(self, directory):
        return sorted(path.name for path in (self.root / directory).iterdir())

    def records(self):
        """Of the images; one that is removed meanwhile is none."""
        texts = []
        for path in sorted((self.root / "images").glob("*.json")):
            with contextlib.suppress(FileNotFoundError):
                texts.append(path.read_text())
        return [json.loads(text) for text in texts]

    def layer(self, chain_id):
        return self.root / "layers" / chain_id.split(":")[1]

    def blob(self, digest):
        return self.root / "blobs/sha256" / digest.split(":")[1]
