// CloudWatch in each of the protocols that versions of the SDK speak: the query protocol at first, then AWS JSON; any of
// them can be asked for CBOR.
import assert from "node:assert/strict";

import { AwsJson1_0Protocol, AwsQueryProtocol } from "@aws-sdk/core/protocols";
import * as cloudwatch from "@aws-sdk/client-cloudwatch";
import { SmithyRpcV2CborProtocol } from "@smithy/core/cbor";

const defaultNamespace = "com.amazonaws.cloudwatch";
const protocols = {
  query: () =>
    new AwsQueryProtocol({
      defaultNamespace,
      xmlNamespace: "http://monitoring.amazonaws.com/doc/2010-08-01/",
      version: "2010-08-01",
    }),
  json: () =>
    new AwsJson1_0Protocol({ defaultNamespace, serviceTarget: "GraniteServiceVersion20100801", awsQueryCompatible: true }),
  cbor: () => new SmithyRpcV2CborProtocol({ defaultNamespace }),
};

const name = process.argv[2];
const client = new cloudwatch.CloudWatchClient({ maxAttempts: 1, protocol: protocols[name]() });
const now = new Date(Math.floor(Date.now() / 60000) * 60000);
const metric = { Namespace: "Node", MetricName: name, Dimensions: [{ Name: "Protocol", Value: name }] };
await client.send(
  new cloudwatch.PutMetricDataCommand({
    Namespace: metric.Namespace,
    MetricData: [
      { MetricName: name, Dimensions: metric.Dimensions, Timestamp: now, Value: 1.5, Unit: "Milliseconds" },
      { MetricName: name, Dimensions: metric.Dimensions, Timestamp: now, Values: [2, 3], Counts: [1, 2], Unit: "Milliseconds" },
    ],
  }),
);
const range = { StartTime: new Date(now - 3600000), EndTime: new Date(+now + 60000) };
const { Datapoints } = await client.send(
  new cloudwatch.GetMetricStatisticsCommand({ ...metric, ...range, Period: 60, Statistics: ["Sum", "SampleCount"] }),
);
assert.equal(Datapoints.length, 1);
assert.deepEqual([Datapoints[0].Sum, Datapoints[0].SampleCount, Datapoints[0].Unit], [9.5, 4, "Milliseconds"]);
assert.equal(Datapoints[0].Timestamp.getTime(), now.getTime());

const { MetricDataResults } = await client.send(
  new cloudwatch.GetMetricDataCommand({
    ...range,
    MetricDataQueries: [{ Id: "m", MetricStat: { Metric: metric, Period: 60, Stat: "Maximum" } }],
  }),
);
assert.deepEqual(MetricDataResults[0].Values, [3]);
assert.equal(MetricDataResults[0].Timestamps[0].getTime(), now.getTime());
const { Metrics } = await client.send(new cloudwatch.ListMetricsCommand({ Namespace: "Node", MetricName: name }));
assert.deepEqual(Metrics, [metric]);

const wrong = new cloudwatch.GetMetricStatisticsCommand({ ...metric, ...range, Period: 61, Statistics: ["Sum"] });
await assert.rejects(client.send(wrong), (error) => {
  assert.match(error.name, /^InvalidParameterValue/);
  assert.equal(error.message, "The parameter Period must be a multiple of 60.");
  return true;
});
console.log("ok");
