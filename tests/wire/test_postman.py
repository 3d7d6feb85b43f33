"""The Postman collection, run by Postman's own runner; the OpenAPI document, read by npm's usual checker."""

import re

import conftest
import node

NOTES = conftest.ROOT / "apps" / "notes"


def test_newman_finds_no_failure(server):
    outputs = server.outputs("notes")
    printed = node.run(
        "node_modules/newman/bin/newman.js",
        "run",
        str(NOTES / "notes.postman_collection.json"),
        "--color=off",
        "--env-var=url=" + outputs["NotesUrl"].removesuffix("/notes"),
        "--env-var=key=" + outputs["PremiumKey"],
    )
    ran = re.search(r"assertions\W+(\d+)\W+(\d+)", printed)
    assert int(ran.group(1)) >= 25 and ran.group(2) == "0", printed


def test_the_openapi_document_is_valid():
    node.run("--input-type=module", "-e", f"""
        import parser from "@apidevtools/swagger-parser";
        const api = await parser.validate("{NOTES / 'openapi.yaml'}");
        console.log(Object.keys(api.paths).length);
    """)
