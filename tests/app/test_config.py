from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from app.config import Config, ConfigError, Quotas, WorkerConfig

CHECKOUT = Path(__file__).parents[2]
WEB = {
    "SUPABASE_URL": "http://127.0.0.1:54321/",
    "SUPABASE_ANON_KEY": "anon-key",
    "REDIS_URL": "redis://127.0.0.1:54379/0",
}
WORKER = {
    **WEB,
    "SUPABASE_SERVICE_ROLE_KEY": "service-key",
    "SITE_URL": "https://crm.example.com/",
}


def test_every_missing_setting_is_named_at_once() -> None:
    with pytest.raises(ConfigError) as refused:
        Config.from_env({})
    for name in WEB:
        assert f"{name} is missing" in str(refused.value)


def test_every_malformed_setting_is_named_and_no_value_is_shown() -> None:
    wrong = {
        "SUPABASE_URL": "ftp://secret-host",
        "SUPABASE_ANON_KEY": "anon-key",
        "SUPABASE_JWT_SECRET": "tooshort",
        "REDIS_URL": "http://[redis",
        "UPLOAD_LIMIT_MB": "many",
        "LOG_LEVEL": "loud",
        "CORS_ORIGINS": "https://a.example.com, *",
        "RATE_LIMIT_USER": "-1",
        "RATE_LIMIT_IP": "1e3",
        "TRUSTED_PROXIES": "all",
        "METRICS_TOKEN": "tooshort",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318",
    }
    with pytest.raises(ConfigError) as refused:
        Config.from_env(wrong)
    said = str(refused.value)
    for name in wrong.keys() - {"SUPABASE_ANON_KEY"}:
        assert f"{name} is malformed" in said
    assert "secret-host" not in said
    assert "tooshort" not in said


def test_the_web_process_needs_no_service_key_and_has_sober_defaults() -> None:
    config = Config.from_env({**WEB, "CORS_ORIGINS": "https://a.example.com,https://b.example.com"})
    assert config.supabase_url == "http://127.0.0.1:54321"
    assert config.jwt_issuer == "http://127.0.0.1:54321/auth/v1"
    assert config.upload_limit_bytes == 200 * 1024 * 1024
    assert config.jwt_secret == ""
    assert config.cors_origins == ("https://a.example.com", "https://b.example.com")
    assert config.quotas == Quotas(user=600, key=600, ip=1200, open=60, failed=30)
    assert (config.trusted_proxies, config.metrics_token, config.otlp_url) == (0, "", "")


def test_limits_traces_and_metrics_are_set_by_the_environment() -> None:
    more = {
        "RATE_LIMIT_USER": "0",
        "RATE_LIMIT_OPEN": "5",
        "TRUSTED_PROXIES": "2",
        "METRICS_TOKEN": "m" * 16,
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318/",
    }
    config = Config.from_env({**WEB, **more})
    assert (config.quotas.user, config.quotas.open, config.quotas.ip) == (0, 5, 1200)
    assert (config.trusted_proxies, config.metrics_token) == (2, "m" * 16)
    assert config.otlp_url == "http://collector:4318"
    assert "mmmm" not in repr(config)


def test_workers_need_the_service_key_and_the_site() -> None:
    with pytest.raises(ConfigError) as refused:
        WorkerConfig.from_env(WEB)
    assert "SUPABASE_SERVICE_ROLE_KEY is missing" in str(refused.value)
    assert "SITE_URL is missing" in str(refused.value)
    config = WorkerConfig.from_env(WORKER)
    assert (config.service_role_key, config.site_url) == ("service-key", "https://crm.example.com")


def test_settings_do_not_show_their_secrets_when_printed() -> None:
    secret = "x" * 32
    shown = repr(Config.from_env({**WEB, "SUPABASE_JWT_SECRET": secret}))
    shown += repr(WorkerConfig.from_env(WORKER))
    assert not re.search(f"anon-key|service-key|{secret}", shown)


def test_the_environment_is_read_when_no_mapping_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in WORKER.items():
        monkeypatch.setenv(name, value)
    assert Config.from_env().supabase_anon_key == "anon-key"
    assert WorkerConfig.from_env().redis_url == WEB["REDIS_URL"]


def test_the_example_names_every_setting_that_is_read() -> None:
    source = (CHECKOUT / "app/config.py").read_text()
    read = set(re.findall(r'\(\s*"([A-Z][A-Z_]+)"', source))
    example = (CHECKOUT / ".env.example").read_text()
    assert read == set(re.findall(r"^([A-Z_]+)=", example, re.MULTILINE))


def test_a_web_process_without_settings_stops_with_the_list_and_no_traceback() -> None:
    bare = {k: v for k, v in os.environ.items() if k not in WORKER}
    gunicorn = [sys.executable, "-m", "gunicorn", "wsgi:app", "--bind", "127.0.0.1:0"]
    done = subprocess.run(
        gunicorn, cwd=CHECKOUT, env=bare, capture_output=True, text=True, timeout=20
    )
    assert done.returncode != 0
    assert "SUPABASE_URL is missing" in done.stderr
    assert "Traceback" not in done.stderr


def test_vendors_are_optional_and_have_their_usual_addresses() -> None:
    config = WorkerConfig.from_env(WORKER)
    assert (config.openphone_api_url, config.openphone_api_key) == ("https://api.quo.com", "")
    assert (config.numverify_api_url, config.numverify_api_key) == ("https://apilayer.net", "")
    assert config.openphone_health_number == ""


def test_a_vendors_settings_are_checked_and_its_keys_not_shown() -> None:
    more = {
        "NUMVERIFY_API_KEY": "secret-n",
        "OPENPHONE_API_KEY": "secret-o",
        "OPENPHONE_HEALTH_NUMBER": "+16175550101",
    }
    config = WorkerConfig.from_env({**WORKER, **more})
    assert config.openphone_health_number == "+16175550101"
    assert "secret" not in repr(config)
    wrong = {"OPENPHONE_HEALTH_NUMBER": "617 555 0101", "NUMVERIFY_API_URL": "apilayer"}
    with pytest.raises(ConfigError) as refused:
        WorkerConfig.from_env({**WORKER, **wrong})
    for name in wrong:
        assert f"{name} is malformed" in str(refused.value)
