/* Finding the function that "folder/module.object.function" names, in CommonJS and ES modules. */
"use strict";

const fs = require("node:fs");
const path = require("node:path");

const errors = require("./errors.cjs");

function split(name) {
    if (name.includes(".."))
        throw new errors.MalformedHandlerName(
            `'${name}' is not a valid handler name. Use absolute paths when specifying root directories in ` +
                "handler names.",
        );
    const base = path.basename(name);
    const match = /^([^.]*)\.(.*)$/.exec(base);
    if (!match)
        throw new errors.MalformedHandlerName("Bad handler");
    return { folder: name.slice(0, name.indexOf(base)), module: match[1], property: match[2] };
}

/* Whether the nearest package.json makes .js files ES modules. */
function isModuleFolder(folder) {
    const file = path.join(folder, "package.json");
    if (folder.endsWith("/node_modules"))
        return false;
    if (!fs.existsSync(file))
        return folder !== "/" && isModuleFolder(path.dirname(folder));
    try {
        return JSON.parse(fs.readFileSync(file, "utf8"))?.type === "module";
    } catch (error) {
        console.warn(`${file} cannot be read, it will be ignored for ES module detection purposes.`, error);
        return false;
    }
}

function requireModule(root, folder, module) {
    return require(require.resolve(module, { paths: [root, folder] }));
}

async function loadModule(root, folder, module) {
    const base = path.resolve(root, folder, module);
    const find = (extension) => (fs.existsSync(base + extension) ? base + extension : undefined);
    const script = find("") ?? find(".js");
    if (script)
        return script !== base && isModuleFolder(path.dirname(base)) ? await import(script) : require(script);
    if (find(".mjs"))
        return await import(find(".mjs"));
    return find(".cjs") ? require(find(".cjs")) : requireModule(root, folder, module);
}

async function loadOrExplain(root, folder, module) {
    try {
        return await loadModule(root, folder, module);
    } catch (error) {
        if (error instanceof SyntaxError)
            throw new errors.UserCodeSyntaxError(error);
        throw error?.code === "MODULE_NOT_FOUND" ? new errors.ImportModuleError(error) : error;
    }
}

function resolve(object, property) {
    return property.split(".").reduce((nested, key) => nested?.[key], object);
}

async function load(root, name, hasCallbacks) {
    const { folder, module, property } = split(name);
    const loaded = await loadOrExplain(root, folder, module);
    const handler = resolve(loaded, property) || (hasCallbacks ? undefined : resolve(loaded.default, property));
    if (!handler)
        throw new errors.HandlerNotFound(`${name} is undefined or not exported`);
    if (typeof handler !== "function")
        throw new errors.HandlerNotFound(`${name} is not a function`);
    if (!hasCallbacks && handler.length >= 3)
        throw new errors.CallbackHandlerDeprecated(
            "ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. " +
                "You need to modify this function to use a supported handler signature to use Node.js 24 or later. " +
                "For more information see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.",
        );
    return handler;
}

module.exports = { load };
