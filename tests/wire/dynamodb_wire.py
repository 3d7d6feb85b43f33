"""DynamoDB's calls as bytes, for what Debian's boto3 does not know or would not send."""

import http.client
import json

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


class Wire:
    """Sends calls that the root key has signed; the answers are what is in them, errors included."""

    def __init__(self, server):
        environment = server.environment()
        self.port = server.port
        self.credentials = Credentials(environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"])

    def __call__(self, operation, target="DynamoDB_20120810", **value):
        body = json.dumps(value)
        headers = {"X-Amz-Target": f"{target}.{operation}", "Content-Type": "application/x-amz-json-1.0"}
        request = AWSRequest("POST", f"http://127.0.0.1:{self.port}/", headers=headers, data=body)
        SigV4Auth(self.credentials, "dynamodb", "us-east-1").add_auth(request)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("POST", "/", body, dict(request.headers.items()))
        answer = json.loads(connection.getresponse().read() or "{}")
        connection.close()
        return answer


def type_of(answer):
    return answer.get("__type", "").rpartition("#")[2]
