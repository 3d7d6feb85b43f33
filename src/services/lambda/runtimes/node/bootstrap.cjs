/* Runs a Lambda function written for Node.js: loads its handler, then answers invocations until the sandbox ends. */
"use strict";

const { contextOf } = require("./context.cjs");
const { NodeJsExit, UnhandledPromiseRejection, describe } = require("./errors.cjs");
const { load } = require("./handler.cjs");
const log = require("./log.cjs");
const { RuntimeApi } = require("./runtime_api.cjs");

const RUNTIME = process.env.AWS_EXECUTION_ENV.replace("AWS_Lambda_", "");
/* From Node.js 24 on, Lambda has no callbacks, and awaits what a handler returns. */
const HAS_CALLBACKS = parseInt(RUNTIME.replace("nodejs", ""), 10) < 24;

const api = new RuntimeApi(process.env.AWS_LAMBDA_RUNTIME_API);
let phase = "init"; /* then "waiting" and, while a handler has work, "running" */
let isDying = false;
let whenNothingIsLeft; /* called when the event loop is empty: no timer, no request, nothing will come */

/* --- Failing --- */

/* Tells of an error that no handler can answer for any more, and ends. */
async function die(error, status) {
    const body = JSON.stringify(describe(error));
    if (isDying)
        return;
    isDying = true;
    try {
        if (phase === "init")
            await api.failInit(body);
        else if (phase === "running")
            await api.failNow(log.getRequestId(), body);
    } finally {
        process.exit(status);
    }
}

process.on("uncaughtException", (error) => {
    log.error("Uncaught Exception", error);
    die(error, 129);
});

process.on("unhandledRejection", (reason) => {
    const error = new UnhandledPromiseRejection(reason);
    log.error("Unhandled Promise Rejection", error);
    die(error, 128);
});

process.on("beforeExit", () => {
    const call = whenNothingIsLeft;
    whenNothingIsLeft = undefined;
    call?.();
});

/* --- Running --- */

function isPromise(value) {
    return typeof value?.then === "function";
}

/* Calls `settle` once with {result} or {error}. */
function callWithCallback(handler, event, context, settle) {
    const succeed = (result) => settle({ result });
    const fail = (error) => settle({ error: error ?? "handled" });
    const done = (error, result) => ((error ?? null) === null ? succeed(result) : fail(error));
    let isCalled = false;
    const callback = (error, result) => {
        if (isCalled)
            return;
        isCalled = true;
        if ((error ?? null) !== null || !context.callbackWaitsForEmptyEventLoop)
            done(error, result);
        else
            whenNothingIsLeft = () => succeed(result);
    };
    Object.assign(context, { callbackWaitsForEmptyEventLoop: true, succeed, fail, done });

    const isAsync = handler.constructor.name === "AsyncFunction";
    whenNothingIsLeft = () => (isAsync ? fail(new NodeJsExit()) : succeed(null));
    const returned = handler(event, context, callback);
    if (isPromise(returned))
        returned.then(succeed, fail);
}

function callWithoutCallback(handler, event, context, settle) {
    whenNothingIsLeft = () => settle({ error: new NodeJsExit() });
    Promise.resolve(handler(event, context)).then((result) => settle({ result }), (error) => settle({ error }));
}

function outcomeOf(handler, invocation) {
    const call = HAS_CALLBACKS ? callWithCallback : callWithoutCallback;
    return new Promise((settle) => {
        try {
            call(handler, JSON.parse(invocation.body), contextOf(invocation), settle);
        } catch (error) {
            settle({ error });
        }
    });
}

function writeResult(result) {
    try {
        return JSON.stringify(result) ?? "null";
    } catch {
        throw new Error("Unable to stringify response body");
    }
}

function answer(invocation, outcome) {
    let { error, result } = outcome;
    if (!("error" in outcome)) {
        try {
            api.answer(invocation.requestId, writeResult(result));
            return;
        } catch (unwritable) {
            error = unwritable;
        }
    }
    log.error("Invoke Error", error);
    api.fail(invocation.requestId, JSON.stringify(describe(error)));
}

async function run(handler, invocation) {
    log.setRequestId(invocation.requestId);
    if (invocation.traceId)
        process.env._X_AMZN_TRACE_ID = invocation.traceId;
    else
        delete process.env._X_AMZN_TRACE_ID;
    phase = "running";
    const outcome = await outcomeOf(handler, invocation);
    whenNothingIsLeft = undefined;
    phase = "waiting";
    answer(invocation, outcome);
}

async function main() {
    log.patchConsole();
    log.write(`${RUNTIME} runs on Node.js ${process.versions.node} (${process.execPath})`);
    const handler = await load(process.env.LAMBDA_TASK_ROOT, process.env._HANDLER, HAS_CALLBACKS);
    /* What the module has left to fail fails now, as part of the start. */
    await new Promise(setImmediate);
    phase = "waiting";
    while (!isDying)
        await run(handler, await api.next());
}

/* Lambda brings the SDK along. */
function advise(error) {
    const [, missing] = /^(?:Error: )?Cannot find (?:module|package) '(@aws-sdk\/[^']*)'/.exec(error?.message) ?? [];
    if (missing)
        log.write(`${missing} is not part of Node.js: put it into the function's zip (npm install ${missing})`);
}

main().catch((error) => {
    log.error("Uncaught Exception", error);
    advise(error);
    die(error, 129);
});
