// The document client of AWS's SDK for JavaScript v3 against a server: plain objects in, plain objects out.
import assert from "node:assert/strict";

import * as dynamodb from "@aws-sdk/client-dynamodb";
import * as documents from "@aws-sdk/lib-dynamodb";

import { report } from "./claims.mjs";

const TableName = "Documents";
const options = { region: "us-east-1", maxAttempts: 1 };
const client = new dynamodb.DynamoDBClient(options);
const marshallOptions = { removeUndefinedValues: true };
const docs = documents.DynamoDBDocumentClient.from(client, { marshallOptions });
// With a client of its own: the document client leaves its options in the one that it is made from.
const exact = documents.DynamoDBDocumentClient.from(new dynamodb.DynamoDBClient(options), {
  marshallOptions,
  unmarshallOptions: { wrapNumbers: true },
});
const key = (p, s = 0) => ({ p, s });

function send(Command, input, through = docs) {
  return through.send(new Command({ TableName, ...input }));
}

async function put(p, s, more) {
  await send(documents.PutCommand, { Item: { ...key(p, s), ...more } });
}

async function get(p, s, through = docs) {
  return (await send(documents.GetCommand, { Key: key(p, s) }, through)).Item;
}

async function collect(pages, member) {
  const all = [];
  let count = 0;
  for await (const page of pages) {
    all.push(...(page[member] ?? []));
    count++;
  }
  return [all, count];
}

const claims = {
  async "values of all types come back as they were"() {
    const value = {
      text: "grüße \u{1f600}",
      empty: "",
      number: -12.5,
      zero: 0,
      yes: true,
      nothing: null,
      list: [1, "a", null, [true, { deep: [] }], {}],
      map: { a: { b: { c: [1, 2, 3] } }, "with.dots and blanks": 1 },
      names: new Set(["a", "b"]),
      numbers: new Set([1, 2.5, -3]),
      bytes: Uint8Array.from([0, 1, 254, 255]),
      noBytes: Uint8Array.from([]),
    };
    await put("types", 0, value);
    const found = await get("types", 0);
    for (const name of Object.keys(value)) assert.deepEqual(found[name], value[name], name);
    assert.equal(Object.keys(found).length, Object.keys(value).length + 2);
  },

  async "sets of bytes come back"() {
    await put("byte-sets", 0, { set: new Set([Uint8Array.from([2]), Uint8Array.from([1])]) });
    const { set } = await get("byte-sets", 0);
    assert.ok(set instanceof Set);
    assert.deepEqual([...set].map((bytes) => bytes[0]).sort(), [1, 2]);
  },

  async "members that are undefined are left out"() {
    await put("undefined", 0, { gone: undefined, inner: { gone: undefined, kept: 1 } });
    assert.deepEqual(await get("undefined", 0), { ...key("undefined"), inner: { kept: 1 } });
  },

  async "numbers keep 38 digits"() {
    const digits = "12345678901234567890123456789012345678";
    const Item = { ...key("digits"), large: documents.NumberValue.from(digits), small: documents.NumberValue.from("1E-130") };
    await send(documents.PutCommand, { Item }, exact);
    const found = await get("digits", 0, exact);
    assert.equal(found.large.toString(), digits);
    assert.equal(Number(found.small.toString()), 1e-130);
    assert.equal(found.large.toBigInt(), BigInt(digits));
  },

  async "a number of 39 digits is refused"() {
    const Item = { ...key("digits"), n: documents.NumberValue.from("1".repeat(39)) };
    await assert.rejects(send(documents.PutCommand, { Item }, exact), {
      name: "ValidationException",
      message: "Attempting to store more than 38 significant digits in a Number",
    });
  },

  async "what is not there has no Item"() {
    assert.equal(await get("missing", 0), undefined);
  },

  async "updates change nested places and return what was asked for"() {
    await put("update", 0, { counts: { a: 1 }, list: [1, 2], tags: new Set(["x"]) });
    const { Attributes } = await send(documents.UpdateCommand, {
      Key: key("update"),
      UpdateExpression:
        "SET counts.a = counts.a + :one, counts.b = if_not_exists(counts.b, :ten), #l = list_append(#l, :more) REMOVE gone ADD tags :tags",
      ExpressionAttributeNames: { "#l": "list" },
      ExpressionAttributeValues: { ":one": 1, ":ten": 10, ":more": [3, { x: null }], ":tags": new Set(["y"]) },
      ReturnValues: "ALL_NEW",
    });
    assert.deepEqual(Attributes, {
      ...key("update"),
      counts: { a: 2, b: 10 },
      list: [1, 2, 3, { x: null }],
      tags: new Set(["x", "y"]),
    });
  },

  async "UPDATED_OLD returns the places that changed as they were"() {
    await put("old", 0, { a: 1, b: 2 });
    const { Attributes } = await send(documents.UpdateCommand, {
      Key: key("old"),
      UpdateExpression: "SET a = :x",
      ExpressionAttributeValues: { ":x": 5 },
      ReturnValues: "UPDATED_OLD",
    });
    assert.deepEqual(Attributes, { a: 1 });
  },

  async "a deleted item is returned"() {
    await put("delete", 0, { a: [1] });
    const { Attributes } = await send(documents.DeleteCommand, { Key: key("delete"), ReturnValues: "ALL_OLD" });
    assert.deepEqual(Attributes, { ...key("delete"), a: [1] });
    assert.equal(await get("delete", 0), undefined);
  },

  async "a failed condition shows the item"() {
    await put("condition", 0, { version: 3 });
    const update = send(documents.UpdateCommand, {
      Key: key("condition"),
      UpdateExpression: "SET version = :next",
      ConditionExpression: "version = :now",
      ExpressionAttributeValues: { ":next": 3, ":now": 2 },
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    });
    await assert.rejects(update, (error) => {
      assert.ok(error instanceof dynamodb.ConditionalCheckFailedException);
      assert.deepEqual(error.Item, { p: { S: "condition" }, s: { N: "0" }, version: { N: "3" } });
      return true;
    });
  },

  async "queries walk a partition both ways, page by page"() {
    for (let s = 0; s < 7; s++) await put("pages", s, { even: s % 2 === 0 });
    const input = { TableName, KeyConditionExpression: "p = :p AND s > :s", ExpressionAttributeValues: { ":p": "pages", ":s": 0 } };
    // A paginator leaves its place in the input that it is given.
    const [up, pages] = await collect(documents.paginateQuery({ client: docs, pageSize: 2 }, { ...input }), "Items");
    assert.deepEqual(up.map((item) => item.s), [1, 2, 3, 4, 5, 6]);
    assert.ok(pages >= 3);
    const [down] = await collect(documents.paginateQuery({ client: docs, pageSize: 4 }, { ...input, ScanIndexForward: false }), "Items");
    assert.deepEqual(down.map((item) => item.s), [6, 5, 4, 3, 2, 1]);
  },

  async "filters and counts see plain values"() {
    for (let s = 0; s < 4; s++) await put("filter", s, { color: s < 2 ? "red" : "blue" });
    const answer = await send(documents.QueryCommand, {
      KeyConditionExpression: "p = :p",
      FilterExpression: "contains(:colors, color) AND attribute_type(color, :type)",
      ExpressionAttributeValues: { ":p": "filter", ":colors": ["red", "green"], ":type": "S" },
      Select: "COUNT",
    });
    assert.deepEqual([answer.Count, answer.ScannedCount, answer.Items], [2, 4, undefined]);
  },

  async "an index is asked with its own key"() {
    await put("index", 1, { owner: "ann", title: "one" });
    await put("index", 2, { owner: "ann", title: "two" });
    await put("index", 3, { title: "nobody's" });
    const { Items } = await send(documents.QueryCommand, {
      IndexName: "by-owner",
      KeyConditionExpression: "#o = :o",
      ExpressionAttributeNames: { "#o": "owner" },
      ExpressionAttributeValues: { ":o": "ann" },
    });
    assert.deepEqual(Items.map((item) => item.title).sort(), ["one", "two"]);
  },

  async "scans in segments see every item once"() {
    for (let n = 0; n < 30; n++) await put(`segment-${n}`, n, { scanned: true });
    const seen = [];
    for (let Segment = 0; Segment < 3; Segment++) {
      const input = {
        TableName,
        Segment,
        TotalSegments: 3,
        FilterExpression: "scanned = :yes",
        ExpressionAttributeValues: { ":yes": true },
      };
      const [items] = await collect(documents.paginateScan({ client: docs, pageSize: 7 }, input), "Items");
      seen.push(...items.map((item) => item.s));
    }
    assert.deepEqual(seen.sort((a, b) => a - b), Array.from({ length: 30 }, (_, n) => n));
  },

  async "projections return the places they name"() {
    await put("projection", 0, { a: { b: [10, 20, 30], c: 1 }, d: 2 });
    const { Item } = await send(documents.GetCommand, { Key: key("projection"), ProjectionExpression: "a.b[1], d" });
    assert.deepEqual(Item, { a: { b: [20] }, d: 2 });
  },

  async "batches write and read many items"() {
    const puts = Array.from({ length: 25 }, (_, s) => ({ PutRequest: { Item: { ...key("batch", s), n: { s } } } }));
    const written = await docs.send(new documents.BatchWriteCommand({ RequestItems: { [TableName]: puts } }));
    assert.deepEqual(written.UnprocessedItems, {});
    const Keys = Array.from({ length: 30 }, (_, s) => key("batch", s));
    const read = await docs.send(new documents.BatchGetCommand({ RequestItems: { [TableName]: { Keys } } }));
    assert.equal(read.Responses[TableName].length, 25);
    assert.deepEqual(read.UnprocessedKeys, {});
    const deletes = [{ DeleteRequest: { Key: key("batch", 3) } }, { PutRequest: { Item: { ...key("batch", 4), n: "new" } } }];
    await docs.send(new documents.BatchWriteCommand({ RequestItems: { [TableName]: deletes } }));
    assert.equal(await get("batch", 3), undefined);
    assert.equal((await get("batch", 4)).n, "new");
  },

  async "a batch of 26 is refused"() {
    const puts = Array.from({ length: 26 }, (_, s) => ({ PutRequest: { Item: key("batch", s) } }));
    await assert.rejects(docs.send(new documents.BatchWriteCommand({ RequestItems: { [TableName]: puts } })), {
      name: "ValidationException",
    });
  },

  async "a transaction does all or nothing, and says why"() {
    await put("tx", 1, { n: 1 });
    const TransactItems = [
      { Put: { TableName, Item: { ...key("tx", 2), n: 2 } } },
      {
        Update: {
          TableName,
          Key: key("tx", 1),
          UpdateExpression: "SET n = :n",
          ConditionExpression: "n = :wrong",
          ExpressionAttributeValues: { ":n": 5, ":wrong": 9 },
          ReturnValuesOnConditionCheckFailure: "ALL_OLD",
        },
      },
      { ConditionCheck: { TableName, Key: key("tx", 3), ConditionExpression: "attribute_not_exists(p)" } },
    ];
    await assert.rejects(docs.send(new documents.TransactWriteCommand({ TransactItems })), (error) => {
      assert.ok(error instanceof dynamodb.TransactionCanceledException);
      assert.equal(
        error.message,
        "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed, None]",
      );
      assert.deepEqual(error.CancellationReasons.map((reason) => reason.Code), ["None", "ConditionalCheckFailed", "None"]);
      assert.equal(error.CancellationReasons[1].Message, "The conditional request failed");
      assert.deepEqual(error.CancellationReasons[1].Item, { p: { S: "tx" }, s: { N: "1" }, n: { N: "1" } });
      return true;
    });
    assert.equal(await get("tx", 2), undefined);
    TransactItems[1].Update.ExpressionAttributeValues[":wrong"] = 1;
    await docs.send(new documents.TransactWriteCommand({ TransactItems }));
    const { Responses } = await docs.send(
      new documents.TransactGetCommand({
        TransactItems: [1, 2, 3].map((s) => ({ Get: { TableName, Key: key("tx", s) } })),
      }),
    );
    assert.deepEqual(Responses.map((response) => response.Item?.n), [5, 2, undefined]);
  },

  async "a token makes a repeated transaction one"() {
    await put("token", 0, { n: 0 });
    const input = {
      ClientRequestToken: "the-same-token",
      TransactItems: [
        {
          Update: {
            TableName,
            Key: key("token"),
            UpdateExpression: "ADD n :one",
            ExpressionAttributeValues: { ":one": 1 },
          },
        },
      ],
    };
    await docs.send(new documents.TransactWriteCommand(input));
    await docs.send(new documents.TransactWriteCommand(input));
    assert.equal((await get("token", 0)).n, 1);
    input.TransactItems[0].Update.ExpressionAttributeValues[":one"] = 2;
    await assert.rejects(docs.send(new documents.TransactWriteCommand(input)), {
      name: "IdempotentParameterMismatchException",
    });
  },

  async "PartiQL takes and returns plain values"() {
    const run = (Statement, ...Parameters) => docs.send(new documents.ExecuteStatementCommand({ Statement, Parameters }));
    await run(`INSERT INTO "${TableName}" VALUE {'p': ?, 's': ?, 'list': ?}`, "partiql", 1, [1, { a: null }]);
    const { Items } = await run(`SELECT list FROM "${TableName}" WHERE p = ? AND s = ?`, "partiql", 1);
    assert.deepEqual(Items, [{ list: [1, { a: null }] }]);
    await assert.rejects(run(`INSERT INTO "${TableName}" VALUE {'p': ?, 's': ?}`, "partiql", 1), { name: "DuplicateItemException" });
    const batch = await docs.send(
      new documents.BatchExecuteStatementCommand({
        Statements: [
          { Statement: `SELECT * FROM "${TableName}" WHERE p = ? AND s = ?`, Parameters: ["partiql", 1] },
          { Statement: `SELECT * FROM "Missing" WHERE p = 'x'` },
        ],
      }),
    );
    assert.deepEqual(batch.Responses[0].Item.list, [1, { a: null }]);
    assert.equal(batch.Responses[1].Error.Code, "ResourceNotFound");
    await docs.send(
      new documents.ExecuteTransactionCommand({
        TransactStatements: [{ Statement: `UPDATE "${TableName}" SET n = ? WHERE p = ? AND s = ?`, Parameters: [7, "partiql", 1] }],
      }),
    );
    assert.equal((await get("partiql", 1)).n, 7);
  },

  async "consumed capacity is told by table and index"() {
    const Item = { ...key("capacity"), owner: "cap", text: "x".repeat(1500) };
    const { ConsumedCapacity } = await send(documents.PutCommand, { Item, ReturnConsumedCapacity: "INDEXES" });
    assert.equal(ConsumedCapacity.CapacityUnits, 4);
    assert.equal(ConsumedCapacity.Table.CapacityUnits, 2);
    assert.equal(ConsumedCapacity.GlobalSecondaryIndexes["by-owner"].CapacityUnits, 2);
    const read = await send(documents.GetCommand, { Key: key("capacity"), ConsistentRead: true, ReturnConsumedCapacity: "TOTAL" });
    assert.deepEqual(read.ConsumedCapacity, { TableName, CapacityUnits: 1 });
  },

  async "an item of more than 400 KB is refused"() {
    const Item = { ...key("large"), text: "x".repeat(400 * 1024) };
    await assert.rejects(send(documents.PutCommand, { Item }), {
      name: "ValidationException",
      message: "Item size has exceeded the maximum allowed size",
    });
  },

  async "a missing table is a typed error"() {
    const found = docs.send(new documents.GetCommand({ TableName: "Missing", Key: key("x") }));
    await assert.rejects(found, (error) => error instanceof dynamodb.ResourceNotFoundException);
  },
};

const table = {
  TableName,
  BillingMode: "PAY_PER_REQUEST",
  KeySchema: [
    { AttributeName: "p", KeyType: "HASH" },
    { AttributeName: "s", KeyType: "RANGE" },
  ],
  AttributeDefinitions: [
    { AttributeName: "p", AttributeType: "S" },
    { AttributeName: "s", AttributeType: "N" },
    { AttributeName: "owner", AttributeType: "S" },
  ],
  GlobalSecondaryIndexes: [
    { IndexName: "by-owner", KeySchema: [{ AttributeName: "owner", KeyType: "HASH" }], Projection: { ProjectionType: "ALL" } },
  ],
};

await client.send(new dynamodb.CreateTableCommand(table));
await dynamodb.waitUntilTableExists({ client, maxWaitTime: 30 }, { TableName });
await report(claims);
await client.send(new dynamodb.DeleteTableCommand({ TableName }));
await dynamodb.waitUntilTableNotExists({ client, maxWaitTime: 30 }, { TableName });
