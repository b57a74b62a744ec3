"""Signature Version 4 against an implementation that is not ours: botocore signs the same, and we verify what it signed."""

import datetime
import json
import os
import pathlib
import random
import subprocess
import urllib.parse

import botocore.auth
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

PROBE = os.environ["BERTH_BIN"] + "/sigv4_probe"
SUITE = json.loads((pathlib.Path(__file__).resolve().parents[1] / "aws" / "sigv4_suite.json").read_text())
TIME = datetime.datetime(2015, 8, 30, 12, 36, 0)
GOOD_FOR = 3600
KEYS = {"keyId": "AKIDEXAMPLE", "secretKey": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
SIGNERS = {("sign", False): botocore.auth.SigV4Auth, ("sign", True): botocore.auth.S3SigV4Auth,
           ("presign", False): botocore.auth.SigV4QueryAuth, ("presign", True): botocore.auth.S3SigV4QueryAuth}


class StoppedClock(datetime.datetime):
    @classmethod
    def utcnow(cls):
        return TIME


@pytest.fixture(autouse=True)
def stopped_clock(monkeypatch):
    class Module:
        datetime = StoppedClock
    monkeypatch.setattr(botocore.auth, "datetime", Module)


def probe(cases):
    lines = "".join(json.dumps(case) + "\n" for case in cases)
    done = subprocess.run([PROBE], input=lines, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def case_of(method="GET", path="/", query="", headers=(), body="", token="", s3=False, region="us-east-1",
            service="service", **_):
    return {"method": method, "path": path, "query": query, "headers": list(map(list, headers)), "body": body,
            "token": token, "s3": s3, "region": region, "service": service, "time": TIME.strftime("%Y%m%dT%H%M%SZ"),
            "goodFor": GOOD_FOR, **KEYS}


def by_botocore(action, case):
    """The request as botocore signs it: headers and query."""
    headers = dict(case["headers"])
    url = f"http://{headers['Host']}{case['path']}" + ("?" + case["query"] if case["query"] else "")
    request = AWSRequest(method=case["method"], url=url, headers=headers, data=case["body"].encode())
    keys = Credentials(case["keyId"], case["secretKey"], case["token"] or None)
    expires = {"expires": GOOD_FOR} if action == "presign" else {}
    SIGNERS[action, case["s3"]](keys, case["service"], case["region"], **expires).add_auth(request)
    return dict(request.headers.items()), urllib.parse.urlsplit(request.url).query


def signature_of(headers, query):
    if "Authorization" in headers:
        return headers["Authorization"]
    return sorted(urllib.parse.parse_qsl(query, keep_blank_values=True))


def suite():
    """Amazon's cases, less what botocore itself writes differently before it signs: folded and repeated headers, dots
    in paths of S3, characters that no URL may have."""
    cases = []
    for each in SUITE:
        names = [name for name, _ in each["headers"]]
        is_plain = all(ord(char) < 128 and char != " " for char in each["path"] + each.get("query", ""))
        is_ours_alone = each.get("s3Path") or each.get("contentHash") or each.get("tokenAppended")
        if is_plain and not is_ours_alone and len(names) == len(set(names)) and "multiline" not in each["name"]:
            cases.append(case_of(**each))
    assert len(cases) > 20
    return cases


def invented(seed, s3):
    """Requests with all that is awkward in them."""
    chance = random.Random(seed)

    def text(alphabet, most):
        return "".join(chance.choice(alphabet) for _ in range(chance.randrange(1, most)))

    cases = []
    for _ in range(120):
        raw = "abcXYZ019-._~ /%+&=:@!$'()*,;ü漢"
        path = "/" + urllib.parse.quote(text(raw, 20), safe="/~")
        query = "&".join(f"{urllib.parse.quote(text(raw, 8), safe='~')}={urllib.parse.quote(text(raw, 12), safe='~')}"
                         for _ in range(chance.randrange(4)))
        headers = [["Host", "example.amazonaws.com"], ["User-Agent", "x/1"]]
        headers += [[f"X-{text('abc', 5)}-{number}", text("abc  \t,=\"", 12)] for number in range(chance.randrange(3))]
        headers += [["Content-Type", "application/x-amz-json-1.1"]] * chance.randrange(2)
        cases.append(case_of(chance.choice(["GET", "PUT", "POST", "DELETE"]), path, query, headers, text(raw, 60),
                             chance.choice(["", "token/+=="]), s3, chance.choice(["us-east-1", "eu-west-3"]),
                             "s3" if s3 else "ecr"))
    return cases


def everything(action, s3):
    cases = invented(1, True) if s3 else suite() + invented(2, False)
    if action == "presign":  # botocore makes parameters of the body of a URL
        cases = [{**case, "body": ""} for case in cases]
    return cases


@pytest.mark.parametrize("s3", [False, True])
@pytest.mark.parametrize("action", ["sign", "presign"])
def test_botocore_signs_the_same(action, s3):
    cases = everything(action, s3)
    for case, ours in zip(cases, probe([{**case, "action": action} for case in cases])):
        ours_signature = signature_of(dict(ours.get("headers", [])), ours.get("query", ""))
        headers, query = by_botocore(action, case)
        assert ours_signature == signature_of(headers, query), case


@pytest.mark.parametrize("s3", [False, True])
@pytest.mark.parametrize("action", ["sign", "presign"])
def test_what_botocore_signed_is_verified(action, s3):
    shown = []
    for case in everything(action, s3):
        headers, query = by_botocore(action, case)
        shown.append({**case, "action": "verify", "headers": list(map(list, headers.items())), "query": query})
    assert [answer for answer in probe(shown) if answer != {"error": ""}] == []
    changed = [{**case, "secretKey": "another"} for case in shown]
    assert all("does not match the signature you provided" in answer["error"] for answer in probe(changed))
