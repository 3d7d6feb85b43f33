/* The context that handlers are given (https://docs.aws.amazon.com/lambda/latest/dg/nodejs-context.html). */
"use strict";

function parse(text, what) {
    if (text === undefined)
        return undefined;
    try {
        return JSON.parse(text);
    } catch (error) {
        throw new Error(`Cannot parse ${what} as json: ${error}`);
    }
}

function contextOf(invocation) {
    const environment = process.env;
    return {
        functionVersion: environment.AWS_LAMBDA_FUNCTION_VERSION,
        functionName: environment.AWS_LAMBDA_FUNCTION_NAME,
        memoryLimitInMB: environment.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
        logGroupName: environment.AWS_LAMBDA_LOG_GROUP_NAME,
        logStreamName: environment.AWS_LAMBDA_LOG_STREAM_NAME,
        clientContext: parse(invocation.clientContext, "ClientContext"),
        identity: parse(invocation.identity, "CognitoIdentity"),
        invokedFunctionArn: invocation.functionArn,
        awsRequestId: invocation.requestId,
        getRemainingTimeInMillis: () => invocation.deadlineMs - Date.now(),
    };
}

module.exports = { contextOf };
