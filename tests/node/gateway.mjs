// API Gateway's client of AWS's SDK for JavaScript v3 against a server: an API is made, changed, deployed and called.
import assert from "node:assert/strict";

import * as gateway from "@aws-sdk/client-api-gateway";

import { report } from "./claims.mjs";

const client = new gateway.APIGatewayClient({ region: "us-east-1", maxAttempts: 1 });
const JSON_TYPE = "application/json";

function send(name, input = {}) {
  return client.send(new gateway[name + "Command"](input));
}

function replace(path, value) {
  return { patchOperations: [{ op: "replace", path, value }] };
}

const restApiId = (await send("CreateRestApi", { name: "node", tags: { from: "node" } })).id;
const rootId = (await send("GetResources", { restApiId })).items[0].id;
const stageName = "prod";

async function resource(pathPart, parentId = rootId) {
  return (await send("CreateResource", { restApiId, parentId, pathPart })).id;
}

/* A mock that answers with a template. */
async function method(resourceId, httpMethod, template, more = {}) {
  const where = { restApiId, resourceId, httpMethod };
  await send("PutMethod", { ...where, authorizationType: "NONE", ...more });
  await send("PutMethodResponse", { ...where, statusCode: "200" });
  await send("PutIntegration", { ...where, type: "MOCK", requestTemplates: { [JSON_TYPE]: '{"statusCode": 200}' } });
  const responseTemplates = { [JSON_TYPE]: template };
  await send("PutIntegrationResponse", { ...where, statusCode: "200", responseTemplates });
  return where;
}

async function deploy() {
  return send("CreateDeployment", { restApiId, stageName });
}

async function call(path, options = {}) {
  const answer = await fetch(`${process.env.AWS_ENDPOINT_URL}/_aws/execute-api/${restApiId}/${stageName}${path}`, options);
  return { status: answer.status, headers: answer.headers, body: await answer.json() };
}

async function keyOf(plan, name) {
  const key = await send("CreateApiKey", { name, enabled: true });
  await send("CreateUsagePlanKey", { usagePlanId: plan, keyId: key.id, keyType: "API_KEY" });
  return key;
}

const claims = {
  async "an API comes back with dates, lists and maps"() {
    const api = await send("GetRestApi", { restApiId });
    assert.ok(api.createdDate instanceof Date && Date.now() - api.createdDate < 60_000);
    assert.deepEqual([api.name, api.tags, api.apiKeySource], ["node", { from: "node" }, "HEADER"]);
    assert.deepEqual(api.endpointConfiguration.types, ["EDGE"]);
  },

  async "methods are made, deployed and called"() {
    const id = await resource("{id}", await resource("things"));
    await method(id, "GET", '{"id": "$input.params(\'id\')", "color": "$stageVariables.color"}');
    await deploy();
    await send("UpdateStage", { restApiId, stageName, ...replace("/variables/color", "blue") });
    assert.deepEqual((await call("/things/7")).body, { id: "7", color: "blue" });
    assert.equal((await call("/nothing")).status, 403);
  },

  async "a change is seen once it is deployed"() {
    const where = await method(await resource("changing"), "GET", '"before"');
    await deploy();
    await send("UpdateIntegrationResponse", {
      ...where,
      statusCode: "200",
      ...replace("/responseTemplates/application~1json", '"after"'),
    });
    assert.equal((await call("/changing")).body, "before");
    await deploy();
    assert.equal((await call("/changing")).body, "after");
    await send("DeleteMethod", where);
    await deploy();
    assert.equal((await call("/changing")).status, 403);
  },

  async "keys, plans, throttles and quotas"() {
    await method(await resource("paid"), "GET", '"paid"', { apiKeyRequired: true });
    await deploy();
    const plan = await send("CreateUsagePlan", {
      name: "node",
      apiStages: [{ apiId: restApiId, stage: stageName }],
      throttle: { rateLimit: 1000, burstLimit: 100 },
      quota: { limit: 2, period: "DAY" },
    });
    const key = await keyOf(plan.id, "node-paid");
    const headers = { "x-api-key": key.value };
    const statuses = [(await call("/paid")).status];
    for (let i = 0; i < 3; i++) statuses.push((await call("/paid", { headers })).status);
    assert.deepEqual(statuses, [403, 200, 200, 429]);
    const today = new Date().toISOString().slice(0, 10);
    const usage = await send("GetUsage", { usagePlanId: plan.id, startDate: today, endDate: today });
    assert.deepEqual(usage.items, { [key.id]: [[2, 0]] });
    await send("UpdateUsage", { usagePlanId: plan.id, keyId: key.id, ...replace("/remaining", "1") });
    assert.equal((await call("/paid", { headers })).status, 200);
    await send("UpdateApiKey", { apiKey: key.id, ...replace("/enabled", "false") });
    assert.equal((await call("/paid", { headers })).status, 403);
    const found = await send("GetApiKeys", { nameQuery: "node-", includeValues: true });
    assert.deepEqual(found.items.map((item) => [item.value, item.enabled]), [[key.value, false]]);
    await send("UpdateUsagePlan", {
      usagePlanId: plan.id,
      patchOperations: [{ op: "remove", path: "/apiStages", value: `${restApiId}:${stageName}` }],
    });
    await send("DeleteUsagePlan", { usagePlanId: plan.id });
    await send("DeleteApiKey", { apiKey: key.id });
  },

  async "what calls must look like, and the answer to others"() {
    await send("CreateModel", {
      restApiId,
      name: "Thing",
      contentType: JSON_TYPE,
      schema: JSON.stringify({ type: "object", required: ["name"] }),
    });
    const validator = await send("CreateRequestValidator", { restApiId, name: "body", validateRequestBody: true });
    await method(await resource("valid"), "POST", '"taken"', {
      requestValidatorId: validator.id,
      requestModels: { [JSON_TYPE]: "Thing" },
    });
    await send("PutGatewayResponse", {
      restApiId,
      responseType: "BAD_REQUEST_BODY",
      statusCode: "422",
      responseParameters: { "gatewayresponse.header.X-Why": "'body'" },
      responseTemplates: { [JSON_TYPE]: '{"why": $context.error.messageString}' },
    });
    await deploy();
    const post = (body) => call("/valid", { method: "POST", headers: { "Content-Type": JSON_TYPE }, body });
    assert.equal((await post('{"name": "x"}')).body, "taken");
    const refused = await post("{}");
    assert.deepEqual([refused.status, refused.headers.get("x-why")], [422, "body"]);
    assert.equal(refused.body.why, "Invalid request body");
  },

  async "a method is tried before it is deployed"() {
    const where = await method(await resource("tried"), "GET", '{"q": "$input.params(\'q\')"}');
    const trial = await send("TestInvokeMethod", { ...where, pathWithQueryString: "/tried?q=1" });
    assert.deepEqual([trial.status, JSON.parse(trial.body)], [200, { q: "1" }]);
    assert.match(trial.log, /Method completed with status: 200/);
  },

  async "an API goes out as a document and comes in again"() {
    const request = { restApiId, stageName, exportType: "oas30", parameters: { extensions: "apigateway" } };
    const { body, contentType } = await send("GetExport", { ...request, accepts: JSON_TYPE });
    assert.equal(contentType, "application/octet-stream");
    const copy = await send("ImportRestApi", { body });
    const paths = (await send("GetResources", { restApiId: copy.id, limit: 500 })).items.map((item) => item.path);
    assert.ok(paths.includes("/things/{id}") && paths.includes("/paid"));
    await send("DeleteRestApi", { restApiId: copy.id });
  },

  async "long lists come in pages"() {
    const names = Array.from({ length: 7 }, (_, i) => `node-page-${i}`);
    const ids = await Promise.all(names.map(async (name) => (await send("CreateApiKey", { name })).id));
    const found = [];
    let pages = 0;
    for await (const page of gateway.paginateGetApiKeys({ client, pageSize: 3 }, { nameQuery: "node-page-" })) {
      found.push(...page.items.map((item) => item.name));
      pages++;
    }
    assert.deepEqual([found.sort(), pages], [names, 3]);
    await Promise.all(ids.map((apiKey) => send("DeleteApiKey", { apiKey })));
  },

  async "mistakes are the exceptions of the client"() {
    await assert.rejects(send("GetRestApi", { restApiId: "none" }), gateway.NotFoundException);
    await assert.rejects(send("CreateResource", { restApiId, parentId: rootId, pathPart: "a/b" }), gateway.BadRequestException);
    await assert.rejects(send("CreateResource", { restApiId, parentId: rootId, pathPart: "tried" }), gateway.ConflictException);
    await assert.rejects(send("UpdateRestApi", { restApiId, ...replace("/nothing", "x") }), (error) => {
      assert.ok(error instanceof gateway.BadRequestException);
      assert.match(error.message, /Invalid patch path/);
      return true;
    });
  },
};

await report(claims);
await send("DeleteRestApi", { restApiId });
