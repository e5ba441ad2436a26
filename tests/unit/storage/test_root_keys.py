from tanren.storage.root_keys import RootKeys, random_key_pair, read_root_keys, write_root_keys


def test_keys_come_back_as_written_and_only_their_owner_may_read_them(tmp_path):
    key_id, secret = random_key_pair()
    keys = RootKeys(
        account_id="123456789012",
        region="us-east-1",
        access_key_id=key_id,
        secret_access_key=secret,
        endpoint="http://127.0.0.1:4500",
    )
    assert read_root_keys(tmp_path) is None
    write_root_keys(tmp_path, keys)
    assert read_root_keys(tmp_path) == keys
    (path,) = tmp_path.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600


def test_random_keys_have_the_form_of_awss():
    key_id, secret = random_key_pair()
    assert key_id.startswith("AKIA")
    assert (len(key_id), len(secret)) == (20, 40)
    assert random_key_pair() != random_key_pair()
