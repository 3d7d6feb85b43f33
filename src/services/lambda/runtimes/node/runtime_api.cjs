/* The Runtime API over one connection that stays open. It keeps the process alive only while it waits, so that an
 * empty event loop shows that a handler has nothing more to do. */
"use strict";

const net = require("node:net");

const PREFIX = "/2018-06-01/runtime/";
const HEAD_END = "\r\n\r\n";

function invocationOf({ status, headers, body }) {
    if (status !== 200)
        throw new Error(`the Runtime API has no next invocation: ${status} ${body}`);
    return {
        requestId: headers["lambda-runtime-aws-request-id"],
        deadlineMs: Number(headers["lambda-runtime-deadline-ms"]),
        functionArn: headers["lambda-runtime-invoked-function-arn"],
        traceId: headers["lambda-runtime-trace-id"],
        clientContext: headers["lambda-runtime-client-context"],
        identity: headers["lambda-runtime-cognito-identity"],
        body,
    };
}

function parseHead(text) {
    const [first, ...lines] = text.split("\r\n");
    const headers = {};
    for (const line of lines) {
        const colon = line.indexOf(":");
        headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
    }
    return { status: Number(first.split(" ", 2)[1]), headers };
}

class RuntimeApi {
    #address;
    #socket;
    #chunks = [];
    #reply; /* the one that is coming in: its head, and how many bytes it has in all */
    #missing = 0; /* replies that are still to come */
    #resolve;
    #reject;
    #answer;

    constructor(address) {
        this.#address = address;
    }

    /* Sends the answer to the last invocation, if there was one, and waits for the next. */
    async next() {
        const request = this.#request("GET", "invocation/next");
        let reply;
        try {
            reply = await this.#exchange(this.#answer ? [...this.#answer, ...request] : request, this.#answer ? 2 : 1);
        } catch {
            /* An answer that is too large is refused, and the connection closed behind it. */
            reply = await this.#exchange(request, 1);
        }
        this.#answer = undefined;
        return invocationOf(reply);
    }

    /* Keeps the answer until `next` is called. */
    answer(requestId, body) {
        this.#answer = this.#request("POST", `invocation/${requestId}/response`, body);
    }

    fail(requestId, body) {
        this.#answer = this.#request("POST", `invocation/${requestId}/error`, body);
    }

    failNow(requestId, body) {
        return this.#exchange(this.#request("POST", `invocation/${requestId}/error`, body), 1);
    }

    failInit(body) {
        return this.#exchange(this.#request("POST", "init/error", body), 1);
    }

    #request(method, path, body = "") {
        const bytes = Buffer.from(body);
        const head = `${method} ${PREFIX}${path} HTTP/1.1\r\nHost: ${this.#address}\r\n`;
        return [`${head}Content-Length: ${bytes.length}${HEAD_END}`, bytes];
    }

    /* Sends the parts of `count` requests and gives the reply to the last of them. */
    #exchange(parts, count) {
        return new Promise((resolve, reject) => {
            this.#resolve = resolve;
            this.#reject = reject;
            this.#missing = count;
            this.#socket ??= this.#connect();
            this.#socket.ref();
            this.#socket.cork();
            parts.forEach((part) => this.#socket.write(part));
            this.#socket.uncork();
        });
    }

    #connect() {
        const [host, port] = this.#address.split(":");
        const socket = net.connect({ host, port: Number(port), noDelay: true });
        socket.on("data", (chunk) => this.#receive(chunk));
        socket.on("error", () => {});
        socket.on("close", () => this.#closed(socket));
        return socket;
    }

    #closed(socket) {
        if (socket !== this.#socket)
            return;
        this.#socket = undefined;
        this.#chunks = [];
        this.#reply = undefined;
        this.#reject?.(new Error("the Runtime API has closed the connection"));
    }

    #receive(chunk) {
        this.#chunks.push(chunk);
        while (this.#missing && this.#take())
            this.#missing--;
    }

    /* Takes one reply out of what has come. False when it is not whole yet. */
    #take() {
        let size = this.#chunks.reduce((sum, chunk) => sum + chunk.length, 0);
        if (!this.#reply) {
            this.#chunks = [Buffer.concat(this.#chunks)];
            const end = this.#chunks[0].indexOf(HEAD_END);
            if (end < 0)
                return false;
            const head = parseHead(this.#chunks[0].toString("utf8", 0, end));
            const start = end + HEAD_END.length;
            this.#reply = { ...head, start, end: start + Number(head.headers["content-length"] ?? 0) };
        }
        if (size < this.#reply.end)
            return false;
        const bytes = Buffer.concat(this.#chunks);
        const { status, headers, start, end } = this.#reply;
        this.#chunks = end < size ? [bytes.subarray(end)] : [];
        this.#reply = undefined;
        if (this.#missing === 1) {
            this.#socket.unref();
            this.#resolve({ status, headers, body: bytes.toString("utf8", start, end) });
        }
        return true;
    }
}

module.exports = { RuntimeApi };
