"""Functions for Node.js: handlers, context, errors, logs, and the AWS SDK inside."""

import json
import re
import textwrap

import pytest

import functions
import node

HANDLER = "index.handler"
TABLE = "NodeNotes"


@pytest.fixture(scope="module")
def make(server):
    """Makes a function of the text of its only file, or of a dictionary of files."""
    role = functions.make_role(server, "node-role")
    sources = functions.Sources(server, role, "nodejs20.x", HANDLER)

    def make(source, **settings):
        files = source if isinstance(source, dict) else {"index.js": textwrap.dedent(source)}
        return sources.make(files, **settings)

    yield make
    sources.remove()
    server.client("iam").delete_role(RoleName="node-role")


def failure(outcome):
    """Its type and its message."""
    assert outcome.error == "Unhandled"
    return outcome.answer["errorType"], outcome.answer["errorMessage"]


# --- Answers ---


@pytest.mark.parametrize(
    "body, expected",
    [
        ("async () => ({a: [1, 'é', null]})", {"a": [1, "é", None]}),
        ("async () => undefined", None),
        ("async event => event.a", 1),
        ("(event, context, callback) => setTimeout(() => callback(null, 'later'), 20)", "later"),
        ("(event, context, callback) => { callback(null, 1); callback(null, 2) }", 1),
        ("(event, context) => context.succeed('succeeded')", "succeeded"),
        ("(event, context) => context.done(null, 'done')", "done"),
        ("() => 'not waited for'", None),
    ],
)
def test_its_answer_is_what_the_handler_gives(make, body, expected):
    outcome = make(f"exports.handler = {body}")({"a": 1})
    assert (outcome.error, outcome.answer) == (None, expected)


def test_a_warm_instance_keeps_its_globals(make):
    function = make("let count = 0; exports.handler = async () => ++count")
    assert [function().answer for _ in range(3)] == [1, 2, 3]


def test_a_callback_waits_for_what_is_under_way(make):
    source = """
        exports.handler = (event, context, callback) => {
            setTimeout(() => console.log("last"), 50);
            callback(null, 1);
        };
        """
    outcome = make(source)()
    assert outcome.answer == 1
    assert "\tINFO\tlast" in outcome.log


def test_a_callback_does_not_wait_when_told(make):
    source = """
        exports.handler = (event, context, callback) => {
            context.callbackWaitsForEmptyEventLoop = false;
            setInterval(() => {}, 1000);
            callback(null, 1);
        };
        """
    function = make(source)
    assert [function().answer, function().answer] == [1, 1]


def test_the_context_is_lambdas(make):
    source = """
        exports.handler = async (event, context) => {
            const left = context.getRemainingTimeInMillis();
            return { ...context, isInTime: 0 < left && left <= 2000 };
        };
        """
    function = make(source, Timeout=2)
    outcome = function()
    context = outcome.answer
    assert "/[$LATEST]" in context.pop("logStreamName")
    assert context == {
        "awsRequestId": outcome.log.split("START RequestId: ")[1].split()[0],
        "callbackWaitsForEmptyEventLoop": True,
        "functionName": function.name,
        "functionVersion": "$LATEST",
        "invokedFunctionArn": f"arn:aws:lambda:us-east-1:000000000000:function:{function.name}",
        "isInTime": True,
        "logGroupName": f"/aws/lambda/{function.name}",
        "memoryLimitInMB": "128",
    }


# --- Modules ---

DEPENDENCY = {"node_modules/dep/index.js": "module.exports = 'yes'"}


@pytest.mark.parametrize(
    "files",
    [
        {"index.mjs": "export const handler = async () => 'yes'"},
        {"index.cjs": "exports.handler = async () => 'yes'"},
        {"index.js": "export const handler = async () => 'yes'", "package.json": '{"type": "module"}'},
        {"index.mjs": "import text from 'dep'; export const handler = async () => text", **DEPENDENCY},
        {"index.js": "const text = require('dep'); exports.handler = async () => text", **DEPENDENCY},
    ],
    ids=["mjs", "cjs", "type-module", "import", "require"],
)
def test_modules_of_both_kinds_are_loaded(make, files):
    assert make(files)().answer == "yes"


def test_handlers_are_found_in_folders_and_objects(make):
    files = {"src/app/notes.js": "exports.api = { get: async () => 'found' }"}
    assert make(files, handler="src/app/notes.api.get")().answer == "found"


@pytest.mark.parametrize("runtime", ["nodejs18.x", "nodejs22.x", "nodejs24.x"])
def test_every_version_is_run(make, runtime):
    function = make("exports.handler = async () => process.env.AWS_EXECUTION_ENV", runtime=runtime)
    assert function().answer == f"AWS_Lambda_{runtime}"
    assert re.search(rf"{runtime} runs on Node\.js \d+\.\d+\.\d+ \(/usr/", "".join(function.events("runs on")))


def test_node_24_has_no_callbacks(make):
    function = make("exports.handler = (event, context, callback) => callback(null, 1)", runtime="nodejs24.x")
    assert failure(function())[0] == "Runtime.CallbackHandlerDeprecated"
    assert make("exports.handler = event => event.a", runtime="nodejs24.x")({"a": 5}).answer == 5


# --- Errors ---


def test_an_error_is_told_with_its_trace(make):
    outcome = make("function inner() { throw new RangeError('too far') }\nexports.handler = async () => inner()")()
    assert failure(outcome) == ("RangeError", "too far")
    assert outcome.answer["trace"][:2] == ["RangeError: too far", "    at inner (/var/task/index.js:1:26)"]


def test_an_error_is_in_the_log_with_its_trace(make):
    outcome = make("exports.handler = async () => { throw Object.assign(new Error('no'), {code: 'E1', extra: 7}) }")()
    entry = next(line for line in outcome.log.splitlines() if "\tERROR\tInvoke Error \t" in line)
    error = json.loads(entry.split("\tInvoke Error \t")[1])
    assert (error["errorType"], error["errorMessage"], error["code"], error["extra"]) == ("Error", "no", "E1", 7)
    assert error["stack"][0] == "Error: no"


@pytest.mark.parametrize(
    "body, kind, message",
    [
        ("(event, context, callback) => callback(new TypeError('by callback'))", "TypeError", "by callback"),
        ("(event, context, callback) => callback('a text')", "string", "a text"),
        ("(event, context) => context.fail(new Error('failed'))", "Error", "failed"),
        ("async () => { const a = {}; a.a = a; return a }", "Error", "Unable to stringify response body"),
        ("() => { throw new Error('at once') }", "Error", "at once"),
        (
            "async () => { Promise.reject(new Error('lost')); await new Promise(go => setTimeout(go, 500)) }",
            "Runtime.UnhandledPromiseRejection",
            "Error: lost",
        ),
        ("() => new Promise(() => setTimeout(() => { throw new Error('in a timer') }, 5))", "Error", "in a timer"),
    ],
)
def test_errors_of_all_kinds_are_told(make, body, kind, message):
    function = make(f"exports.handler = (...all) => all[0].isGood ? all[1].succeed(1) : ({body})(...all)")
    assert failure(function({})) == (kind, message)
    assert function({"isGood": True}).answer == 1


def test_a_promise_that_nothing_will_settle_is_an_error(make):
    kind, message = failure(make("exports.handler = async () => { await new Promise(() => {}) }")())
    assert kind == "Runtime.NodeJsExit"
    assert "a Promise that was never settled" in message


@pytest.mark.parametrize(
    "source, handler, kind, message",
    [
        ("require('absent')", HANDLER, "Runtime.ImportModuleError", "Error: Cannot find module 'absent'"),
        ("", "other.handler", "Runtime.ImportModuleError", "Error: Cannot find module 'other'"),
        ("", HANDLER, "Runtime.HandlerNotFound", "index.handler is undefined or not exported"),
        ("exports.handler = 5", HANDLER, "Runtime.HandlerNotFound", "index.handler is not a function"),
        ("", "index", "Runtime.MalformedHandlerName", "Bad handler"),
        ("", "../index.handler", "Runtime.MalformedHandlerName", "'../index.handler' is not a valid handler name."),
        ("exports.handler = {", HANDLER, "Runtime.UserCodeSyntaxError", "SyntaxError: Unexpected end of input"),
        ("throw new Error('at start')", HANDLER, "Error", "at start"),
        (
            "Promise.reject(new Error('left over')); exports.handler = async () => 1",
            HANDLER,
            "Runtime.UnhandledPromiseRejection",
            "Error: left over",
        ),
    ],
)
def test_a_failed_start_is_told(make, source, handler, kind, message):
    function = make(source, handler=handler)
    told, text = failure(function())
    assert told == kind
    assert text.startswith(message)
    function.events(f"Phase: init\tStatus: error\tError Type: {kind}", '"errorType":"' + kind)


@pytest.mark.parametrize(
    "files",
    [
        {"index.mjs": "import { S3Client } from '@aws-sdk/client-s3'"},
        {"index.js": "const { S3Client } = require('@aws-sdk/client-s3')"},
    ],
    ids=["import", "require"],
)
def test_an_sdk_that_is_missing_is_advised(make, files):
    function = make(files)
    assert "Cannot find" in failure(function())[1]
    function.events("@aws-sdk/client-s3 is not part of Node.js: put it into the function's zip")


def test_a_syntax_error_says_where(make):
    trace = make("let a = 1;\nexports.handler = async () => {{ a b };")().answer["trace"]
    assert "/var/task/index.js:2" in trace


def test_an_exit_is_told(make):
    outcome = make("exports.handler = async () => process.exit(7)")()
    assert failure(outcome)[0] == "Runtime.ExitError"
    assert outcome.answer["errorMessage"].endswith("Runtime exited with error: exit status 7")


def test_a_loop_ends_with_its_time(make):
    message = failure(make("exports.handler = async () => { while (true); }", Timeout=1)())[1]
    assert message.endswith("Task timed out after 1.00 seconds")


def test_memory_is_bounded(make):
    source = """
        exports.handler = async event => {
            const all = [];
            while (event.fill)
                all.push(Buffer.alloc(1000000, 1));
        };
        """
    function = make(source, Timeout=30)
    assert failure(function({"fill": True}))[0] == "Runtime.ExitError"
    assert function({}).error is None


def test_an_answer_over_6_mb_is_refused_and_the_next_works(make):
    function = make("exports.handler = async event => 'x'.repeat(event)")
    assert failure(function(7000000))[0] == "Function.ResponseSizeTooLarge"
    assert function(3).answer == "xxx"


# --- Logs ---


def test_the_console_is_formatted_as_lambda_does(make):
    source = """
        console.log("at start");
        exports.handler = async () => {
            console.log("a %s", "text", {b: [1]});
            console.info("i"); console.debug("d"); console.warn("w"); console.error("e"); console.trace("t");
            process.stdout.write("raw\\n");
        };
        """
    function = make(source)
    outcome = function()
    request_id = outcome.log.split("START RequestId: ")[1].split()[0]
    lines = [line.split("\t") for line in outcome.log.splitlines()[1:8]]
    assert lines[-1] == ["raw"]
    assert [line[1:] for line in lines[:-1]] == [
        [request_id, "INFO", "a text { b: [ 1 ] }"],
        [request_id, "INFO", "i"],
        [request_id, "DEBUG", "d"],
        [request_id, "WARN", "w"],
        [request_id, "ERROR", "e"],
        [request_id, "TRACE", "t"],
    ]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", lines[0][0])
    function.events("\tundefined\tINFO\tat start")


def test_an_entry_of_several_lines_is_one_event(make):
    function = make("exports.handler = async () => console.log('one\\ntwo')")
    function()
    assert any(message.endswith("\tINFO\tone\ntwo\n") for message in function.events("INFO"))


def test_structured_logs_are_json(make):
    variables = {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "WARN"}
    source = "exports.handler = async () => { console.info('not shown'); console.warn({a: 1}); throw new Error('no') }"
    outcome = make(source, Environment={"Variables": variables})()
    entries = [json.loads(line) for line in outcome.log.splitlines() if line.startswith("{")]
    assert [entry["level"] for entry in entries] == ["WARN", "ERROR"]
    assert entries[0]["message"] == {"a": 1}
    assert entries[1]["message"]["errorMessage"] == "no"


# --- What the sandbox gives ---


def test_threads_processes_and_files_work(make):
    source = """
        const fs = require("node:fs/promises");
        const { execSync } = require("node:child_process");
        const { pbkdf2Sync } = require("node:crypto");
        const { Worker } = require("node:worker_threads");

        exports.handler = async () => {
            await fs.writeFile("/tmp/x", "written");
            const worker = new Worker("require('node:worker_threads').parentPort.postMessage(42)", {eval: true});
            return [
                await fs.readFile("/tmp/x", "utf8"),
                await new Promise((resolve, reject) => worker.on("message", resolve).on("error", reject)),
                execSync("echo child").toString().trim(),
                pbkdf2Sync("a", "b", 10, 4, "sha256").length,
            ];
        };
        """
    assert make(source, Timeout=10)().answer == ["written", 42, "child", 4]


def test_the_hosts_files_cannot_be_read(server, make):
    source = """
        const { accessSync, constants } = require("node:fs");

        function isReadable(path) {
            try {
                accessSync(path, constants.R_OK);
                return true;
            } catch {
                return false;
            }
        }

        exports.handler = async paths => paths.filter(isReadable);
        """
    paths = ["/etc/shadow", "/proc/1/environ", "/var/lib/dpkg/status", str(server.data / "credentials")]
    assert make(source)([*paths, "/var/task/index.js"]).answer == ["/var/task/index.js"]


# --- The AWS SDK ---


def package_files(*names):
    """The files of npm's packages and of all that they depend on, by their paths in a deployment package."""
    modules = node.FOLDER / "node_modules"
    wanted, files, seen = list(names), {}, set()
    while wanted:
        name = wanted.pop()
        if name in seen or not (modules / name).exists():
            continue
        seen.add(name)
        wanted += json.loads((modules / name / "package.json").read_text()).get("dependencies", {})
        for path in (modules / name).rglob("*"):
            if path.suffix in (".js", ".mjs", ".cjs", ".json"):
                files[str(path.relative_to(node.FOLDER))] = path.read_bytes()
    return files


@pytest.fixture(scope="module")
def table(server):
    dynamodb = server.client("dynamodb")
    dynamodb.create_table(
        TableName=TABLE,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    yield TABLE
    dynamodb.delete_table(TableName=TABLE)


def test_the_sdk_works_with_the_roles_rights_and_no_others(server, make, table):
    source = f"""
        import {{ DynamoDBClient }} from "@aws-sdk/client-dynamodb";
        import {{ DeleteCommand, DynamoDBDocumentClient, GetCommand, PutCommand }} from "@aws-sdk/lib-dynamodb";

        const client = DynamoDBDocumentClient.from(new DynamoDBClient());
        const [TableName, Key] = ["{table}", {{ id: "a" }}];

        export const handler = async event => {{
            if (event.delete)
                return await client.send(new DeleteCommand({{ TableName, Key }}));
            await client.send(new PutCommand({{ TableName, Item: {{ ...Key, list: [1, "b"] }} }}));
            return (await client.send(new GetCommand({{ TableName, Key }}))).Item;
        }};
        """
    arn = f"arn:aws:dynamodb:us-east-1:000000000000:table/{table}"
    actions = ["dynamodb:PutItem", "dynamodb:GetItem"]
    role = functions.make_role(server, "node-writer", [{"Effect": "Allow", "Action": actions, "Resource": arn}])
    files = package_files("@aws-sdk/client-dynamodb", "@aws-sdk/lib-dynamodb")
    function = make({**files, "index.mjs": textwrap.dedent(source)}, role=role, Timeout=20)
    assert function({}).answer == {"id": "a", "list": [1, "b"]}
    kind, message = failure(function({"delete": True}))
    assert kind == "AccessDeniedException"
    assert "not authorized to perform: dynamodb:DeleteItem on resource: " + arn in message
    server.client("iam").delete_role_policy(RoleName="node-writer", PolicyName="inline")
    server.client("iam").delete_role(RoleName="node-writer")
