/* A compiled stage from JSON texts, for tests of what works on one. */
#pragma once

#include "core/capabilities.h"
#include "services/apigateway/plane/stage.h"
#include "wire/json.h"

static inline struct stage *make_stage(struct arena *arena, const char *stage, const char *snapshot)
{
    static const struct metric_capability no_metrics;
    struct stage_source source = {
        .metrics = &no_metrics,
        .account = STR("123456789012"),
        .region = STR("us-east-1"),
        .api = json_parse(arena, STR("{\"id\":\"a1b2c3d4e5\"}")),
        .stage = json_parse(arena, str_from(stage)),
        .snapshot = json_parse(arena, str_from(snapshot)),
    };
    assert_non_null(source.stage);
    assert_non_null(source.snapshot);
    return stage_compile(&source);
}
