from trayalert.domain.token_bucket import TokenBucket


def test_a_bucket_gives_what_it_holds_and_then_so_much_a_second() -> None:
    bucket = TokenBucket(capacity=3, interval=0.5, now=10.0)

    assert [bucket.take(10.0) for _ in range(4)] == [True, True, True, False]
    assert [bucket.take(10.5) for _ in range(2)] == [True, False]
    assert [bucket.take(1000.0) for _ in range(4)] == [True, True, True, False]
    assert not bucket.take(0.0)  # no token is added when the clock is set back
    assert not bucket.take(0.4)
    assert bucket.take(0.5)  # tokens are added again from the new time on


def test_the_reserve_is_only_for_those_who_may_use_it() -> None:
    bucket = TokenBucket(capacity=2, interval=1, now=0)

    assert [bucket.take(0, reserve=1) for _ in range(2)] == [True, False]
    assert [bucket.take(0) for _ in range(2)] == [True, False]
