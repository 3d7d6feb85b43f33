// AWS's SDK for JavaScript v3 against a server: AWS_ENDPOINT_URL and credentials come from the environment, as they do for
// its users.
import assert from "node:assert/strict";

import * as apigateway from "@aws-sdk/client-api-gateway";
import * as logs from "@aws-sdk/client-cloudwatch-logs";
import * as dynamodb from "@aws-sdk/client-dynamodb";
import * as iam from "@aws-sdk/client-iam";
import * as lambda from "@aws-sdk/client-lambda";
import * as sts from "@aws-sdk/client-sts";
import * as documents from "@aws-sdk/lib-dynamodb";

const options = { region: "us-east-1", maxAttempts: 1 };

async function identity() {
  const client = new sts.STSClient(options);
  const caller = await client.send(new sts.GetCallerIdentityCommand({}));
  assert.equal(caller.Arn, "arn:aws:iam::000000000000:root");
}

async function users() {
  const client = new iam.IAMClient(options);
  await client.send(new iam.CreateUserCommand({ UserName: "node" }));
  const { AccessKey } = await client.send(new iam.CreateAccessKeyCommand({ UserName: "node" }));
  const credentials = { accessKeyId: AccessKey.AccessKeyId, secretAccessKey: AccessKey.SecretAccessKey };
  const narrow = new lambda.LambdaClient({ ...options, credentials });
  await assert.rejects(narrow.send(new lambda.ListFunctionsCommand({})), (error) => {
    assert.equal(error.name, "AccessDeniedException");
    assert.match(error.message, /user\/node is not authorized to perform: lambda:ListFunctions/);
    return true;
  });
  await client.send(new iam.DeleteAccessKeyCommand({ UserName: "node", AccessKeyId: AccessKey.AccessKeyId }));
  await client.send(new iam.DeleteUserCommand({ UserName: "node" }));
  await assert.rejects(client.send(new iam.GetUserCommand({ UserName: "node" })), { name: "NoSuchEntityException" });
}

async function tables() {
  const client = new dynamodb.DynamoDBClient(options);
  const table = { TableName: "NodeNotes" };
  await client.send(
    new dynamodb.CreateTableCommand({
      ...table,
      KeySchema: [
        { AttributeName: "owner", KeyType: "HASH" },
        { AttributeName: "number", KeyType: "RANGE" },
      ],
      AttributeDefinitions: [
        { AttributeName: "owner", AttributeType: "S" },
        { AttributeName: "number", AttributeType: "N" },
      ],
      BillingMode: "PAY_PER_REQUEST",
    }),
  );
  await dynamodb.waitUntilTableExists({ client, maxWaitTime: 30 }, table);

  const notes = documents.DynamoDBDocumentClient.from(client);
  for (const number of [1, 2, 10]) {
    const Item = { owner: "me", number, tags: new Set(["a", "b"]), nested: { list: [1, null, true, "x"] } };
    await notes.send(new documents.PutCommand({ ...table, Item }));
  }
  const { Item } = await notes.send(new documents.GetCommand({ ...table, Key: { owner: "me", number: 2 } }));
  assert.deepEqual(Item, { owner: "me", number: 2, tags: new Set(["a", "b"]), nested: { list: [1, null, true, "x"] } });
  const { Items } = await notes.send(
    new documents.QueryCommand({
      ...table,
      KeyConditionExpression: "#o = :o AND #n > :n",
      ExpressionAttributeNames: { "#o": "owner", "#n": "number" },
      ExpressionAttributeValues: { ":o": "me", ":n": 1 },
    }),
  );
  assert.deepEqual(Items.map((item) => item.number), [2, 10]);
  const put = new documents.PutCommand({
    ...table,
    Item: { owner: "me", number: 1 },
    ConditionExpression: "attribute_not_exists(#o)",
    ExpressionAttributeNames: { "#o": "owner" },
  });
  await assert.rejects(notes.send(put), { name: "ConditionalCheckFailedException", message: "The conditional request failed" });
  await client.send(new dynamodb.DeleteTableCommand(table));
  await dynamodb.waitUntilTableNotExists({ client, maxWaitTime: 30 }, table);
}

async function functions() {
  const client = new lambda.LambdaClient(options);
  const { Functions } = await client.send(new lambda.ListFunctionsCommand({}));
  const name = Functions.find((found) => found.FunctionName.startsWith("notes-")).FunctionName;
  await lambda.waitUntilFunctionActiveV2({ client, maxWaitTime: 30 }, { FunctionName: name });
  const answer = await client.send(
    new lambda.InvokeCommand({ FunctionName: name, Payload: JSON.stringify({ httpMethod: "GET" }), LogType: "Tail" }),
  );
  assert.equal(answer.StatusCode, 200);
  assert.match(Buffer.from(answer.LogResult, "base64").toString(), /END RequestId: /);
  assert.equal(typeof JSON.parse(Buffer.from(answer.Payload)).statusCode, "number");
  const event = await client.send(new lambda.InvokeCommand({ FunctionName: name, InvocationType: "Event", Payload: "{}" }));
  assert.equal(event.StatusCode, 202);
}

async function apis() {
  const client = new apigateway.APIGatewayClient(options);
  const api = await client.send(new apigateway.CreateRestApiCommand({ name: "node", tags: { from: "node" } }));
  const { items } = await client.send(new apigateway.GetResourcesCommand({ restApiId: api.id }));
  assert.equal(items[0].path, "/");
  assert.ok(api.createdDate instanceof Date);
  await client.send(new apigateway.DeleteRestApiCommand({ restApiId: api.id }));
  await assert.rejects(client.send(new apigateway.GetRestApiCommand({ restApiId: api.id })), { name: "NotFoundException" });
}

async function groups() {
  const client = new logs.CloudWatchLogsClient(options);
  const group = { logGroupName: "/node" };
  await client.send(new logs.CreateLogGroupCommand(group));
  await client.send(new logs.CreateLogStreamCommand({ ...group, logStreamName: "one" }));
  const logEvents = [{ timestamp: Date.now(), message: "hello" }];
  await client.send(new logs.PutLogEventsCommand({ ...group, logStreamName: "one", logEvents }));
  const { events } = await client.send(new logs.FilterLogEventsCommand({ ...group, filterPattern: "hello" }));
  assert.deepEqual(events.map((event) => event.message), ["hello"]);
  await client.send(new logs.DeleteLogGroupCommand(group));
}

const parts = { identity, users, tables, functions, apis, groups };
await parts[process.argv[2]]();
console.log("ok");
