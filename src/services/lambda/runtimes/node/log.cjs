/* The function's log: console.*, in the formats of Lambda's Node.js runtimes. What an entry of several lines is, the
 * server learns from the character between the lines. */
"use strict";

const { format } = require("node:util");

const { describe } = require("./errors.cjs");

const LINE_BREAK = "\x1e";
const LEVELS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
const METHODS = {
    trace: "TRACE",
    debug: "DEBUG",
    info: "INFO",
    log: "INFO",
    warn: "WARN",
    error: "ERROR",
    fatal: "FATAL",
};
const IS_JSON = process.env.AWS_LAMBDA_LOG_FORMAT?.toUpperCase() === "JSON";

let requestId;

function write(text) {
    process.stdout.write(text.replaceAll("\n", LINE_BREAK) + "\n");
}

/* --- JSON --- */

function errorMembers(error) {
    return {
        errorType: error.constructor?.name ?? "UnknownError",
        errorMessage: error.message,
        stackTrace: typeof error.stack === "string" ? error.stack.split("\n") : [],
    };
}

function withErrors(_key, value) {
    return value instanceof Error ? { ...errorMembers(value), ...value } : value;
}

function jsonEntry(level, values) {
    const entry = { timestamp: new Date().toISOString(), level, requestId };
    if (values.length === 1) {
        try {
            return JSON.stringify({ ...entry, message: values[0] }, withErrors);
        } catch {
            return JSON.stringify({ ...entry, message: format(values[0]) });
        }
    }
    const error = values.find((value) => value instanceof Error);
    return JSON.stringify({ ...entry, message: format(...values), ...(error && errorMembers(error)) });
}

/* --- Text --- */

function textEntry(level, values) {
    return `${new Date().toISOString()}\t${requestId}\t${level}\t${format(...values)}`;
}

/* An error's own members are not enumerable. */
function withErrorMembers(_key, value) {
    if (!(value instanceof Error))
        return value;
    const members = { errorType: value.name, errorMessage: value.message, code: value.code, ...value };
    return typeof value.stack === "string" ? { ...members, stack: value.stack.split("\n") } : members;
}

function errorText(error) {
    try {
        return "\t" + JSON.stringify(error, withErrorMembers);
    } catch {
        return "\t" + JSON.stringify(describe(error));
    }
}

/* --- */

function patchConsole() {
    const least = Math.max(LEVELS.indexOf(process.env.AWS_LAMBDA_LOG_LEVEL?.toUpperCase()), 0);
    const entry = IS_JSON ? jsonEntry : textEntry;
    for (const [method, level] of Object.entries(METHODS))
        console[method] = LEVELS.indexOf(level) < least ? () => {} : (...values) => write(entry(level, values));
}

/* An error that ends an invocation or the runtime. */
function error(what, value) {
    const thrown = value instanceof Error ? value : new Error(value);
    if (IS_JSON)
        console.error(thrown);
    else
        console.error(what, errorText(thrown));
}

function setRequestId(id) {
    requestId = id;
}

function getRequestId() {
    return requestId;
}

module.exports = { error, getRequestId, patchConsole, setRequestId, write };
