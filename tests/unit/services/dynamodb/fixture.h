/* The DynamoDB service in a server of its own. */
#pragma once

#include "../service_fixture.h"
#include "services/dynamodb/dynamodb.h"

static void start_services(struct fixture *f)
{
    struct dynamodb *dynamodb;
    assert_int_equal(dynamodb_new(&f->skylite, &dynamodb, &f->error), OK);
    f->service = dynamodb;
}

static void stop_services(struct fixture *f)
{
    dynamodb_free(f->service);
}

static inline yyjson_val *call(struct fixture *f, const char *operation, const char *input)
{
    return service_ok(f, "dynamodb", operation, input);
}

static inline void fails(struct fixture *f, const char *operation, const char *input,
                         enum err expected, const char *message)
{
    service_fails(f, "dynamodb", operation, input, expected, message);
}

/* A number that an answer has under a path of members, "a/b/0/c". */
static inline double number_at(yyjson_val *answer, const char *path)
{
    char pointer[128];
    snprintf(pointer, sizeof(pointer), "/%s", path);
    yyjson_val *value = yyjson_ptr_get(answer, pointer);
    if (!yyjson_is_num(value))
        fail_msg("no number at %s", path);
    return yyjson_get_num(value);
}

static inline const char *text_at(yyjson_val *answer, const char *path)
{
    char pointer[128];
    snprintf(pointer, sizeof(pointer), "/%s", path);
    yyjson_val *value = yyjson_ptr_get(answer, pointer);
    if (!yyjson_is_str(value))
        fail_msg("no text at %s", path);
    return yyjson_get_str(value);
}

/* Keys p and s; a local index on l; a global index on g with some attributes, and another on the
 * number n with keys only. */
static inline void create_indexed(struct fixture *f)
{
    call(f, "CreateTable",
         "{'TableName':'Tab','BillingMode':'PAY_PER_REQUEST','AttributeDefinitions':["
         "{'AttributeName':'p','AttributeType':'S'},{'AttributeName':'s','AttributeType':'S'},"
         "{'AttributeName':'l','AttributeType':'S'},{'AttributeName':'g','AttributeType':'S'},"
         "{'AttributeName':'n','AttributeType':'N'}],"
         "'KeySchema':[{'AttributeName':'p','KeyType':'HASH'},"
         "{'AttributeName':'s','KeyType':'RANGE'}],"
         "'LocalSecondaryIndexes':[{'IndexName':'local','KeySchema':["
         "{'AttributeName':'p','KeyType':'HASH'},{'AttributeName':'l','KeyType':'RANGE'}],"
         "'Projection':{'ProjectionType':'KEYS_ONLY'}}],"
         "'GlobalSecondaryIndexes':[{'IndexName':'some','KeySchema':["
         "{'AttributeName':'g','KeyType':'HASH'},{'AttributeName':'n','KeyType':'RANGE'}],"
         "'Projection':{'ProjectionType':'INCLUDE','NonKeyAttributes':['x']}},"
         "{'IndexName':'keys','KeySchema':[{'AttributeName':'n','KeyType':'HASH'}],"
         "'Projection':{'ProjectionType':'KEYS_ONLY'}}]}");
}
