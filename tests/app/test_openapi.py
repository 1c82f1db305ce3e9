from __future__ import annotations

import re
from dataclasses import replace

from flask.testing import FlaskClient

from app import create_app
from app.config import Config


def test_every_api_route_is_described_with_its_refusals(client: FlaskClient) -> None:
    spec = client.get("/openapi.json").json
    assert spec["openapi"].startswith("3.1")
    for rule in client.application.url_map.iter_rules():
        if not rule.rule.startswith("/api/"):
            continue
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        for method in rule.methods - {"OPTIONS", "HEAD"}:
            described = spec["paths"][path][method.lower()]
            assert described["summary"]
            refused = described["responses"]["401"]["content"]
            schema = refused["application/problem+json"]["schema"]
            assert schema == {"$ref": "#/components/schemas/Problem"}
    assert spec["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


def test_a_new_import_is_described_as_one_form_with_a_file(client: FlaskClient) -> None:
    spec = client.get("/openapi.json").json
    assert spec["paths"]["/api/v1/imports"]["post"]["requestBody"]["content"] == {
        "multipart/form-data": {"schema": {"$ref": "#/components/schemas/NewImport"}}
    }
    form = spec["components"]["schemas"]["NewImport"]
    assert form["required"] == ["file", "list_name"]
    assert form["properties"]["file"]["format"] == "binary"


def test_every_reference_in_the_description_leads_somewhere(client: FlaskClient) -> None:
    answer = client.get("/openapi.json")
    for reference in set(re.findall(r'"\$ref": "#/([^"]+)"', answer.text)):
        at = answer.json
        for key in reference.split("/"):
            at = at[key]


def test_the_docs_page_needs_nothing_from_elsewhere(client: FlaskClient) -> None:
    page = client.get("/docs", buffered=True)
    assert page.status_code == 200
    parts = re.findall(r'(?:href|src)="([^"]+)"', page.text)
    assert {"/docs/docs.css", "/docs/docs.js", "/openapi.json"} <= set(parts)
    for part in parts:
        answer = client.get(part, buffered=True)
        assert answer.status_code == 200
        assert not re.search(r"https?://|[\"'(]//", answer.text)


def test_only_the_pages_own_parts_are_served(client: FlaskClient) -> None:
    for name in ("index.html", "..%2fconfig.py", "docs.css.map"):
        assert client.get(f"/docs/{name}").status_code == 404


def test_origins_that_are_named_may_call_and_others_may_not(client: FlaskClient) -> None:
    asked = {"Access-Control-Request-Method": "POST"}
    path = "/api/v1/imports"
    named = client.options(path, headers={"Origin": "https://crm.example.com", **asked})
    assert named.status_code == 200
    assert named.headers["Access-Control-Allow-Origin"] == "https://crm.example.com"
    refused = client.get("/nowhere", headers={"Origin": "https://crm.example.com"})
    assert refused.headers["Access-Control-Allow-Origin"] == "https://crm.example.com"
    other = client.options(path, headers={"Origin": "https://evil.example.com", **asked})
    assert other.headers.get("Access-Control-Allow-Origin") != "https://evil.example.com"


def test_without_the_setting_no_other_origin_may_call(config: Config) -> None:
    client = create_app(replace(config, cors_origins=())).test_client()
    answer = client.get("/health/live", headers={"Origin": "https://crm.example.com"})
    assert "Access-Control-Allow-Origin" not in answer.headers
