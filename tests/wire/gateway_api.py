"""REST APIs for tests, made by the control plane's calls."""

import json

import notes_api


class Gateway:
    """One API with resources at the root; `deploy` gives a client for a stage."""

    def __init__(self, server, name="test", **settings):
        self.server = server
        self.client = server.client("apigateway")
        self.id = self.client.create_rest_api(name=name, **settings)["id"]
        self.root = self.client.get_resources(restApiId=self.id)["items"][0]["id"]

    def resource(self, part, parent=None):
        return self.client.create_resource(restApiId=self.id, parentId=parent or self.root, pathPart=part)["id"]

    def method(self, resource, verb="GET", integration=None, parameters=(), responses=None, status_headers=(), **settings):
        """A method with its integration and, by status code, responses: {"200": {"responseTemplates": ...}}."""
        where = {"restApiId": self.id, "resourceId": resource, "httpMethod": verb}
        declared = {"method.request." + name: False for name in parameters}
        self.client.put_method(**where, **{"authorizationType": "NONE", "requestParameters": declared, **settings})
        self.client.put_integration(**where, **integration)
        for status, response in (responses or {}).items():
            headers = {"method.response.header." + name: False for name in status_headers}
            self.client.put_method_response(**where, statusCode=status, responseParameters=headers)
            self.client.put_integration_response(**where, statusCode=status, **response)

    def deploy(self, stage="dev", **settings):
        self.client.create_deployment(restApiId=self.id, stageName=stage, **settings)
        return notes_api.Api(f"http://{self.id}.execute-api.localhost:{self.server.port}/{stage}")

    def delete(self):
        self.client.delete_rest_api(restApiId=self.id)


def lambda_uri(arn):
    return f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"


def action_uri(service, action):
    return f"arn:aws:apigateway:us-east-1:{service}:action/{action}"


def gateway_role(server, name, statements):
    """A role that API Gateway may assume; returns its ARN."""
    iam = server.client("iam")
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "apigateway.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    policy = {"Version": "2012-10-17", "Statement": statements}
    iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=json.dumps(policy))
    return arn
