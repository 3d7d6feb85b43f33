/* Going back in time, and restores that are interrupted. */
#include "fixture.h"

#define NOW_MS 1700000000000
#define PUT(key, more)                                                                             \
    "{'TableName':'Tab','Item':{'p':{'S':'" key "'},'s':{'S':'1'},'n':{'N':'1'}" more "}}"
#define RECOVERY                                                                                   \
    "{'TableName':'Tab','PointInTimeRecoverySpecification':{'PointInTimeRecoveryEnabled':true}}"

static void wait_until_ready(struct fixture *f, const char *table)
{
    struct str input = arena_printf(&f->arena, "{'TableName':'%s'}", table);
    while (strcmp(text_at(call(f, "DescribeTable", input.ptr), "Table/TableStatus"), "ACTIVE") != 0)
        continue;
}

static size_t count_of(struct fixture *f, const char *input)
{
    return (size_t)number_at(call(f, "Scan", input), "Count");
}

static void test_recovery__undoes_each_change_behind_the_moment(void **state)
{
    struct fixture *f = *state;
    clock_fake_ms(NOW_MS);
    create_indexed(f);
    call(f, "PutItem", PUT("kept", ",'x':{'S':'old'}"));
    call(f, "UpdateContinuousBackups", RECOVERY);
    clock_fake_ms(NOW_MS + 1000);
    call(f, "PutItem", PUT("in time", ""));
    clock_fake_ms(NOW_MS + 2000);
    call(f, "PutItem", PUT("kept", ",'x':{'S':'new'}"));
    call(f, "PutItem", PUT("kept", ",'x':{'S':'newer'}"));
    call(f, "DeleteItem", "{'TableName':'Tab','Key':{'p':{'S':'in time'},'s':{'S':'1'}}}");
    call(f, "PutItem", PUT("late", ""));
    call(f, "RestoreTableToPointInTime",
         "{'SourceTableName':'Tab','TargetTableName':'Back','RestoreDateTime':1700000001}");
    wait_until_ready(f, "Back");
    assert_int_equal(count_of(f, "{'TableName':'Back'}"), 2);
    assert_int_equal(count_of(f, "{'TableName':'Back','IndexName':'keys'}"), 2);
    yyjson_val *item =
        call(f, "GetItem", "{'TableName':'Back','Key':{'p':{'S':'kept'},'s':{'S':'1'}}}");
    assert_string_equal(text_at(item, "Item/x/S"), "old");
}

static void test_recovery__reaches_back_to_when_it_was_enabled(void **state)
{
    struct fixture *f = *state;
    clock_fake_ms(NOW_MS);
    create_indexed(f);
    call(f, "UpdateContinuousBackups", RECOVERY);
    fails(f, "RestoreTableToPointInTime",
          "{'SourceTableName':'Tab','TargetTableName':'Back','RestoreDateTime':1699999999}",
          ERR_DDB_INVALID_RESTORE_TIME,
          "The specified RestoreDateTime is outside of the restorable period");
}

static void test_restore__begins_again_after_a_restart(void **state)
{
    struct fixture *f = *state;
    create_indexed(f);
    for (int i = 0; i < 1200; i++) {
        struct str input = arena_printf(
            &f->arena, "{'TableName':'Tab','Item':{'p':{'S':'%d'},'s':{'S':'1'},'n':{'N':'1'}}}",
            i);
        call(f, "PutItem", input.ptr);
    }
    yyjson_val *backup = call(f, "CreateBackup", "{'TableName':'Tab','BackupName':'one'}");
    struct str arn = str_from(text_at(backup, "BackupDetails/BackupArn"));
    stop_server(f);
    start_server(f);
    struct str describe = arena_printf(&f->arena, "{'BackupArn':'%.*s'}", STR_ARG(arn));
    while (strcmp(text_at(call(f, "DescribeBackup", describe.ptr),
                          "BackupDescription/BackupDetails/BackupStatus"),
                  "AVAILABLE") != 0)
        continue;
    struct str restore =
        arena_printf(&f->arena, "{'BackupArn':'%.*s','TargetTableName':'Back'}", STR_ARG(arn));
    call(f, "RestoreTableFromBackup", restore.ptr);
    stop_server(f);
    start_server(f);
    wait_until_ready(f, "Back");
    yyjson_val *table = call(f, "DescribeTable", "{'TableName':'Back'}");
    assert_int_equal(number_at(table, "Table/ItemCount"), 1200);
    assert_int_equal(number_at(table, "Table/GlobalSecondaryIndexes/1/ItemCount"), 1200);
}

static void test_restore__wants_a_backup_that_is_there(void **state)
{
    struct fixture *f = *state;
    create_indexed(f);
    fails(f, "RestoreTableFromBackup",
          "{'TargetTableName':'Back','BackupArn':"
          "'arn:aws:dynamodb:us-east-1:000000000000:table/Tab/backup/none'}",
          ERR_DDB_BACKUP_NOT_FOUND,
          "Backup not found: arn:aws:dynamodb:us-east-1:000000000000:table/Tab/backup/none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_recovery__undoes_each_change_behind_the_moment),
        TEST(test_recovery__reaches_back_to_when_it_was_enabled),
        TEST(test_restore__begins_again_after_a_restart),
        TEST(test_restore__wants_a_backup_that_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
