/* Errors with types of Lambda's own, and what callers are told of an error, in the form of its Node.js runtimes. */
"use strict";

const { types } = require("node:util");

const classes = {
    ImportModuleError: class extends Error {},
    HandlerNotFound: class extends Error {},
    MalformedHandlerName: class extends Error {},
    CallbackHandlerDeprecated: class extends Error {},
    UserCodeSyntaxError: class extends Error {
        constructor(error) {
            super(error);
            /* The original says where. */
            this.stack = `Runtime.UserCodeSyntaxError: ${error}\n${error.stack}`;
        }
    },
    UnhandledPromiseRejection: class extends Error {
        constructor(reason) {
            super(reason);
            this.reason = reason;
        }
    },
    NodeJsExit: class extends Error {
        constructor() {
            super(
                "The Lambda runtime client detected an unexpected Node.js exit code. This is most commonly caused " +
                    "by a Promise that was never settled. For more information, see " +
                    "https://nodejs.org/docs/latest/api/process.html#exit-codes",
            );
        }
    },
};
for (const [name, type] of Object.entries(classes))
    type.prototype.name = `Runtime.${name}`;

function isLikeError(value) {
    return types.isNativeError(value) || ["name", "message", "stack"].every((key) => typeof value?.[key] === "string");
}

function describe(error) {
    try {
        if (isLikeError(error))
            return { errorType: error.name, errorMessage: error.message, trace: error.stack.split("\n") };
        return { errorType: typeof error, errorMessage: error.toString(), trace: [] };
    } catch {
        return {
            errorType: "handled",
            errorMessage:
                "callback called with Error argument, but there was a problem while retrieving one or more of its " +
                "message, name, and stack",
        };
    }
}

module.exports = { ...classes, describe };
