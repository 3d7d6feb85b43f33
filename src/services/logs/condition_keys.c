/* The condition keys of CloudWatch Logs' actions. */
#include "services/logs/internal.h"

/* "tags" of what is made or tagged; UntagLogGroup's are names alone. */
static yyjson_val *tags_of(const struct condition_question *question)
{
    return condition_is_own(question) ? json_get(question->request->input, "tags") : NULL;
}

static void request_tag(const struct condition_question *question, struct condition_values *out)
{
    condition_add_tag(out, tags_of(question), question->tail);
}

static void tag_keys(const struct condition_question *question, struct condition_values *out)
{
    yyjson_val *tags = tags_of(question);
    if (yyjson_is_obj(tags))
        condition_add_tag_keys(out, tags);
    else
        condition_add_list(out, tags);
    if (condition_is_own(question))
        condition_add_list(out, json_get(question->request->input, "tagKeys"));
}

/* "arn:aws:logs:REGION:ACCOUNT:log-group:NAME:..." */
static struct str group_of(struct str arn)
{
    struct str part = STR_EMPTY;
    for (int i = 0; i < 7; i++)
        str_cut(&arn, ':', &part);
    return part;
}

static void resource_tag(const struct condition_question *question, struct condition_values *out)
{
    struct reader reader = {question->skylite->store, NULL, out->arena};
    struct group group;
    struct error error;
    if (logs_group_get(&reader, group_of(question->authorization->resource), &group, &error) == OK)
        condition_add_tag(out, group.tags, question->tail);
}

const struct condition_key logs_condition_keys[] = {
    {"aws:RequestTag/", "CreateLogGroup TagLogGroup TagResource", request_tag, NULL},
    {"aws:TagKeys", "CreateLogGroup TagLogGroup TagResource UntagLogGroup UntagResource", tag_keys,
     NULL},
    {"aws:ResourceTag/", NULL, resource_tag, NULL},
};
const size_t logs_condition_key_count =
    sizeof(logs_condition_keys) / sizeof(logs_condition_keys[0]);
