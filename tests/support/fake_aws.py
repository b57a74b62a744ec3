"""Amazon's side for a test, on the loopback: ECR's API, STS, IAM Identity Center, the endpoint of containers and IMDSv2.

Signatures are checked with botocore, an implementation that is not ours.
"""

import base64
import datetime
import http.server
import json
import threading
import time
import urllib.parse

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

TARGET = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"
SKEW_SECONDS = 300
LIFETIME_SECONDS = 12 * 3600


def signature_of(handler, body, keys, region, service):
    """The Authorization that botocore would have sent with this request at the time that it names."""
    names = handler.headers["Authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    then = datetime.datetime.strptime(handler.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ")

    class Clock(datetime.datetime):
        @classmethod
        def utcnow(cls):
            return then

    class Module:
        datetime = Clock
    headers = {name: handler.headers[name] for name in names if name not in ("x-amz-date", "x-amz-security-token", "x-amz-content-sha256")}
    request = AWSRequest(handler.command, f"http://{handler.headers['Host']}{handler.path}", headers, body)
    botocore.auth.datetime, real = Module, botocore.auth.datetime
    try:
        signer = botocore.auth.S3SigV4Auth if service == "s3" else botocore.auth.SigV4Auth
        signer(Credentials(*keys), service, region).add_auth(request)
    finally:
        botocore.auth.datetime = real
    return request.headers["Authorization"], abs((datetime.datetime.utcnow() - then).total_seconds())


class FakeAws:
    """Use as a context manager. `keys`: key id -> (secret, session token). `passwords`: what the next tokens are, the
    last one over and over. `asked` is the log: "ecr KEYID", "sts ACTION KEYID", "container", "imds",
    "sso ROLE" (the keys of a role, for a token of sso_tokens) and "sso-oidc" (a new token, for a refresh token)."""

    def __init__(self, keys, passwords, address=("127.0.0.1", 0), lifetime=LIFETIME_SECONDS):
        self.keys, self.passwords, self.lifetime = dict(keys), list(passwords), lifetime
        self.asked, self.handed_out = [], {"AccessKeyId": "ASIAHANDEDOUT", "SecretAccessKey": "h", "Token": "ht"}
        self.keys["ASIAHANDEDOUT"] = ("h", "ht")
        self.role_seconds = 3600  # what STS gives, lasts so long
        self.secrets = {}  # of Secrets Manager by id, of SSM by name: values
        self.objects, self.s3_keys = {}, None  # of S3: "/bucket/key" -> bytes, and whose key may read and write them
        self.encrypted = set()  # buckets
        self.sessions = []  # of AssumeRole: (role, session name)
        self.sso_tokens = {"first": "again"}  # access token -> its refresh token
        self.container_token, self.imds_token = "container-token", "imds-token"
        self.moved_to = None  # where ECR's API redirects
        fake = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                fake.post(self, self.rfile.read(int(self.headers["Content-Length"])))

            def do_PUT(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.path.startswith("/latest/"):
                    return fake.put(self)
                fake.put_object(self, body)

            def do_GET(self):
                fake.get(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(address, Handler)
        self.url = "http://{}:{}".format(*self.server.server_address)

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def send(self, handler, status, body, kind="application/x-amz-json-1.1"):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        handler.send_response(status)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def post(self, handler, body):
        if self.moved_to:
            handler.send_response(307)
            handler.send_header("Location", self.moved_to)
            handler.send_header("Content-Length", "0")
            return handler.end_headers()
        if handler.path == "/token":
            return self.renew_sso_token(handler, json.loads(body))
        service, _, operation = handler.headers.get("X-Amz-Target", "").partition(".")
        if operation in ("GetSecretValue", "GetParameter"):
            return self.get_secret(handler, body, "ssm" if service == "AmazonSSM" else service)
        if handler.headers.get("X-Amz-Target") == TARGET:
            return self.get_authorization_token(handler, body)
        return self.sts(handler, body)

    def refusal(self, handler, body, service):
        """Why the request is refused, as Amazon names it, and whose key it was."""
        credential = handler.headers["Authorization"].split("Credential=")[1].split(",")[0].split("/")
        key_id, _, region, scope_service, _ = credential
        if key_id not in self.keys:
            return "UnrecognizedClientException", "The security token included in the request is invalid.", key_id
        secret, token = self.keys[key_id]
        if scope_service != service or handler.headers.get("X-Amz-Security-Token", "") != (token or ""):
            return "UnrecognizedClientException", "The security token included in the request is invalid.", key_id
        expected, skew = signature_of(handler, body, (key_id, secret, token or None), region, service)
        if handler.headers["Authorization"] != expected or skew > SKEW_SECONDS:
            return "InvalidSignatureException", "The request signature we calculated does not match", key_id
        return None, None, key_id

    def get_authorization_token(self, handler, body):
        code, message, key_id = self.refusal(handler, body, "ecr")
        self.asked.append(f"ecr {key_id}")
        if code:
            return self.send(handler, 400, {"__type": code, "message": message})
        (account,) = json.loads(body)["registryIds"]
        password = self.passwords.pop(0) if len(self.passwords) > 1 else self.passwords[0]
        token = base64.b64encode(f"AWS:{password}".encode()).decode()
        return self.send(handler, 200, {"authorizationData": [{
            "authorizationToken": token, "expiresAt": time.time() + self.lifetime,
            "proxyEndpoint": f"https://{account}.dkr.ecr.eu-west-1.amazonaws.com"}]})

    def sts(self, handler, body):
        form = dict(urllib.parse.parse_qsl(body.decode()))
        action = form["Action"]
        key_id = ""
        if action == "AssumeRole":
            code, message, key_id = self.refusal(handler, body, "sts")
            if code:
                xml = f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
                return self.send(handler, 403, xml.encode(), "text/xml")
            self.sessions.append((form["RoleArn"], form["RoleSessionName"]))
        elif action == "GetCallerIdentity":
            return self.get_caller_identity(handler, body)
        elif form.get("WebIdentityToken") != "jwt":
            return self.send(handler, 400, b"<ErrorResponse><Error><Code>InvalidIdentityToken</Code></Error>"
                                           b"</ErrorResponse>", "text/xml")
        self.asked.append(f"sts {action} {key_id}".strip())
        keys = self.handed_out
        expires = datetime.datetime.utcnow() + datetime.timedelta(seconds=self.role_seconds)
        expires = expires.strftime("%Y-%m-%dT%H:%M:%SZ")
        xml = (f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result><Credentials>'
               f"<AccessKeyId>{keys['AccessKeyId']}</AccessKeyId><SecretAccessKey>{keys['SecretAccessKey']}"
               f"</SecretAccessKey><SessionToken>{keys['Token']}</SessionToken><Expiration>{expires}</Expiration>"
               f"</Credentials></{action}Result></{action}Response>")
        return self.send(handler, 200, xml.encode(), "text/xml")

    def get_secret(self, handler, body, service):
        code, message, key_id = self.refusal(handler, body, service)
        wanted = json.loads(body)
        name = wanted.get("SecretId") or wanted["Name"]
        self.asked.append(f"{service} {key_id} {name}")
        if code:
            return self.send(handler, 400, {"__type": code, "message": message})
        if name not in self.secrets:
            kind = "ParameterNotFound" if service == "ssm" else "ResourceNotFoundException"
            return self.send(handler, 400, {"__type": kind, "message": "no such thing"})
        value = self.secrets[name]
        return self.send(handler, 200, {"Parameter": {"Value": value}} if service == "ssm" else {"SecretString": value})

    def is_signed_for_s3(self, handler, body):
        expected, _ = signature_of(handler, body, self.s3_keys, "us-east-1", "s3")
        if handler.headers["Authorization"] == expected:
            return True
        self.send(handler, 403, b"<Error><Code>SignatureDoesNotMatch</Code><Message>no</Message></Error>", "application/xml")
        return False

    def put_object(self, handler, body):
        if self.is_signed_for_s3(handler, body):
            self.objects[handler.path] = body
            self.send(handler, 200, b"", "application/xml")

    def get_object(self, handler):
        if not self.is_signed_for_s3(handler, b""):
            return None
        bucket, _, asked = handler.path[1:].partition("?")
        if asked == "encryption" and bucket in self.encrypted:
            return self.send(handler, 200, b"<ServerSideEncryptionConfiguration/>", "application/xml")
        if asked == "encryption":
            return self.send(handler, 404, b"<Error><Code>ServerSideEncryptionConfigurationNotFoundError</Code><Message>"
                                           b"not found</Message></Error>", "application/xml")
        if handler.path not in self.objects:
            return self.send(handler, 404, b"<Error><Code>NoSuchKey</Code><Message>The specified key does not exist."
                                           b"</Message></Error>", "application/xml")
        return self.send(handler, 200, self.objects[handler.path], "binary/octet-stream")

    def get_caller_identity(self, handler, body):
        code, message, key_id = self.refusal(handler, body, "sts")
        self.asked.append(f"sts GetCallerIdentity {key_id}")
        if code:
            xml = f"<ErrorResponse><Error><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
            return self.send(handler, 403, xml.encode(), "text/xml")
        xml = ('<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
               f"<GetCallerIdentityResult><Arn>arn:aws:sts::123456789012:assumed-role/{key_id}</Arn>"
               f"<UserId>{key_id}</UserId><Account>123456789012</Account></GetCallerIdentityResult>"
               "</GetCallerIdentityResponse>")
        return self.send(handler, 200, xml.encode(), "text/xml")

    def renew_sso_token(self, handler, wanted):
        self.asked.append("sso-oidc")
        known = [token for token, again in self.sso_tokens.items() if again == wanted["refreshToken"]]
        if not known or wanted["grantType"] != "refresh_token" or wanted["clientSecret"] != "client-secret":
            return self.send(handler, 400, {"error": "invalid_grant", "error_description": "Invalid grant provided"})
        del self.sso_tokens[known[0]]  # good only once
        token, again = known[0] + "+", wanted["refreshToken"] + "+"
        self.sso_tokens[token] = again
        return self.send(handler, 200, {"accessToken": token, "expiresIn": 28800, "refreshToken": again, "tokenType": "Bearer"})

    def get_role_credentials(self, handler):
        query = dict(urllib.parse.parse_qsl(handler.path.partition("?")[2]))
        if handler.headers.get("x-amz-sso_bearer_token") not in self.sso_tokens:
            return self.send(handler, 401, {"message": "Session token not found or invalid"})
        self.asked.append(f"sso {query['role_name']}")
        keys = self.handed_out
        return self.send(handler, 200, {"roleCredentials": {
            "accessKeyId": keys["AccessKeyId"], "secretAccessKey": keys["SecretAccessKey"],
            "sessionToken": keys["Token"], "expiration": int((time.time() + 3600) * 1000)}})

    def put(self, handler):
        good = handler.path == "/latest/api/token" and handler.headers["X-aws-ec2-metadata-token-ttl-seconds"]
        self.send(handler, 200 if good else 404, self.imds_token.encode(), "text/plain")

    def get(self, handler):
        if "X-Amz-Content-Sha256" in handler.headers:
            return self.get_object(handler)
        if handler.path.startswith("/federation/credentials?"):
            return self.get_role_credentials(handler)
        expires = (datetime.datetime.utcnow() + datetime.timedelta(hours=6)).strftime("%Y-%m-%dT%H:%M:%SZ")
        answer = {**self.handed_out, "Expiration": expires}
        if handler.path == "/v2/credentials/id":
            self.asked.append("container")
            return self.send(handler, 200, answer)
        if handler.path == "/creds?with=token":
            good = handler.headers.get("Authorization") == self.container_token
            self.asked.append("container")
            return self.send(handler, 200 if good else 401, answer if good else {"code": "Unauthorized"})
        base = "/latest/meta-data/iam/security-credentials/"
        if handler.path.startswith(base):
            if handler.headers.get("X-aws-ec2-metadata-token") != self.imds_token:
                return self.send(handler, 401, b"", "text/plain")
            if handler.path == base:
                return self.send(handler, 200, b"instance-role", "text/plain")
            self.asked.append("imds")
            return self.send(handler, 200, {"Code": "Success", **answer})
        return self.send(handler, 404, {"message": "no such path"})
