"""Thousands of random operations over tables with indexes and a stream, with kill -9 in between, against a simple model:
contents, indexes and streams agree with it."""

import random

SEED = 20260101
OPERATIONS = 2400
KILL_EVERY = 600
HASHES = [f"h{i}" for i in range(6)]
RANGES = list(range(-4, 5))

TABLES = {
    "Plain": {
        "KeySchema": [{"AttributeName": "h", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "h", "AttributeType": "S"}],
    },
    "Indexed": {
        "KeySchema": [{"AttributeName": "h", "KeyType": "HASH"}, {"AttributeName": "r", "KeyType": "RANGE"}],
        "AttributeDefinitions": [
            {"AttributeName": "h", "AttributeType": "S"},
            {"AttributeName": "r", "AttributeType": "N"},
            {"AttributeName": "color", "AttributeType": "S"},
            {"AttributeName": "size", "AttributeType": "N"},
        ],
        "LocalSecondaryIndexes": [
            {
                "IndexName": "by-size",
                "KeySchema": [{"AttributeName": "h", "KeyType": "HASH"}, {"AttributeName": "size", "KeyType": "RANGE"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": "by-color",
                "KeySchema": [{"AttributeName": "color", "KeyType": "HASH"}, {"AttributeName": "size", "KeyType": "RANGE"}],
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
        ],
        "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    },
}


class Model:
    """What the tables hold: plain dictionaries. A refused operation changes nothing."""

    def __init__(self):
        self.tables = {name: {} for name in TABLES}
        self.changes = []  # (old, new) of the table with the stream

    @staticmethod
    def key_of(name, item):
        return tuple(item[part["AttributeName"]][kind] for part, kind in zip(TABLES[name]["KeySchema"], ("S", "N")))

    def set(self, name, item):
        """Stores the item; None under a key is no item."""
        key = self.key_of(name, item)
        self.change(name, key, item)

    def change(self, name, key, new):
        old = self.tables[name].get(key)
        if new is None:
            self.tables[name].pop(key, None)
        else:
            self.tables[name][key] = new
        if name == "Indexed" and old != new:
            self.changes.append((old, new))


def random_key(random_, name):
    key = {"h": {"S": random_.choice(HASHES)}}
    if name == "Indexed":
        key["r"] = {"N": str(random_.choice(RANGES))}
    return key


def random_item(random_, name):
    item = {**random_key(random_, name), "n": {"N": str(random_.randrange(100))}}
    if random_.random() < 0.7:
        item["color"] = {"S": random_.choice(["red", "green", "blue"])}
    if random_.random() < 0.7:
        item["size"] = {"N": str(random_.choice([-1, 0, 2, 10, 100, "1.5"]))}
    return item


class Player:
    """Makes random operations on the server and on the model."""

    def __init__(self, client, model, random_):
        self.client, self.model, self.random = client, model, random_

    def play(self):
        name = self.random.choice(list(TABLES))
        self.random.choice([self.put, self.put, self.update, self.delete, self.put_if, self.batch, self.transact])(name)

    def put(self, name):
        item = random_item(self.random, name)
        self.client.put_item(TableName=name, Item=item)
        self.model.set(name, item)

    def put_if(self, name):
        item = random_item(self.random, name)
        is_there = self.model.key_of(name, item) in self.model.tables[name]
        try:
            self.client.put_item(TableName=name, Item=item, ConditionExpression="attribute_not_exists(h)")
            assert not is_there
            self.model.set(name, item)
        except self.client.exceptions.ConditionalCheckFailedException:
            assert is_there

    def update(self, name):
        key = random_key(self.random, name)
        old = self.model.tables[name].get(self.model.key_of(name, key))
        color = self.random.choice(["red", "green", None])
        remove = "" if color else " REMOVE color"
        values = {":one": {"N": "1"}, ":zero": {"N": "0"}, **({":c": {"S": color}} if color else {})}
        answer = self.client.update_item(
            TableName=name,
            Key=key,
            UpdateExpression="SET n = if_not_exists(n, :zero) + :one" + (", color = :c" if color else "") + remove,
            ExpressionAttributeValues=values,
            ReturnValues="ALL_NEW",
        )
        new = dict(old or key)
        new["n"] = {"N": str(int(new.get("n", {"N": "0"})["N"]) + 1)}
        new.pop("color", None)
        if color:
            new["color"] = {"S": color}
        assert answer["Attributes"] == new
        self.model.set(name, new)

    def delete(self, name):
        key = random_key(self.random, name)
        answer = self.client.delete_item(TableName=name, Key=key, ReturnValues="ALL_OLD")
        place = self.model.key_of(name, key)
        assert answer.get("Attributes") == self.model.tables[name].get(place)
        self.model.change(name, place, None)

    def batch(self, name):
        items = {self.model.key_of(name, item): item for item in (random_item(self.random, name) for _ in range(5))}
        self.client.batch_write_item(RequestItems={name: [{"PutRequest": {"Item": item}} for item in items.values()]})
        for item in items.values():
            self.model.set(name, item)

    def transact(self, name):
        """Two puts, of which the second may be refused: then neither is made."""
        items = {self.model.key_of(name, item): item for item in (random_item(self.random, name) for _ in range(2))}
        keys = list(items)
        puts = [{"Put": {"TableName": name, "Item": item}} for item in items.values()]
        puts[-1]["Put"]["ConditionExpression"] = "attribute_exists(h)"
        is_there = keys[-1] in self.model.tables[name]
        try:
            self.client.transact_write_items(TransactItems=puts)
            assert is_there
            for item in items.values():
                self.model.set(name, item)
        except self.client.exceptions.TransactionCanceledException:
            assert not is_there


def everything(call, **arguments):
    items = []
    while True:
        answer = call(Limit=7, **arguments)
        items += answer["Items"]
        if "LastEvaluatedKey" not in answer:
            return items
        arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def sort_number(item):
    return float(item["N"])


def assert_contents(client, model):
    for name in TABLES:
        found = everything(client.scan, TableName=name)
        assert {model.key_of(name, item): item for item in found} == model.tables[name]
        assert len(found) == len(model.tables[name])
    for hash_ in HASHES:
        wanted = [item for (h, _), item in model.tables["Indexed"].items() if h == hash_]
        query = {"TableName": "Indexed", "KeyConditionExpression": "h = :h", "ExpressionAttributeValues": {":h": {"S": hash_}}}
        found = everything(client.query, **query)
        assert [item["r"] for item in found] == sorted((item["r"] for item in wanted), key=sort_number)
        sized = [item for item in wanted if "size" in item]
        found = everything(client.query, IndexName="by-size", **query)
        assert [item["size"] for item in found] == sorted((item["size"] for item in sized), key=sort_number)
        assert len(found) == len(sized)
        assert all(item in sized for item in found)
    for color in ("red", "green", "blue"):
        wanted = [item for item in model.tables["Indexed"].values() if item.get("color") == {"S": color} and "size" in item]
        found = everything(
            client.query,
            TableName="Indexed",
            IndexName="by-color",
            KeyConditionExpression="color = :c",
            ExpressionAttributeValues={":c": {"S": color}},
        )
        keys = [{name: item[name] for name in ("h", "r", "color", "size")} for item in wanted]
        assert len(found) == len(keys) and all(item in keys for item in found)
        assert [item["size"] for item in found] == sorted((item["size"] for item in wanted), key=sort_number)


def stream_records(streams, arn):
    """All records that the stream has, in order."""
    records = []
    for shard in streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]:
        iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        while iterator:
            page = streams.get_records(ShardIterator=iterator)
            records += [record["dynamodb"] for record in page["Records"]]
            iterator = page.get("NextShardIterator") if page["Records"] else None
    return [(record.get("OldImage"), record.get("NewImage")) for record in records]


def test_random_operations_agree_with_the_model(own_server):
    server = own_server()
    client, model, random_ = server.client("dynamodb"), Model(), random.Random(SEED)
    for name, definition in TABLES.items():
        client.create_table(TableName=name, BillingMode="PAY_PER_REQUEST", **definition)
        client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    player = Player(client, model, random_)
    for number in range(1, OPERATIONS + 1):
        player.play()
        if number % KILL_EVERY == 0:
            server.kill()
            server.start()
            player.client = server.client("dynamodb")
            assert_contents(player.client, model)
    arn = player.client.describe_table(TableName="Indexed")["Table"]["LatestStreamArn"]
    assert stream_records(server.client("dynamodbstreams"), arn) == model.changes
    counts = player.client.describe_table(TableName="Indexed")["Table"]
    assert counts["ItemCount"] == len(model.tables["Indexed"])
