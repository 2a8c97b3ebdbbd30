//! Strangers who send too much, too slowly, or nonsense: they cost little and learn nothing.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rstest::rstest;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use vestibule_e2e::{Answer, Backend, Fixture, Line, Person, Setup};

use crate::measure::{Times, number, print};

/// What the server may hold under any abuse, in MiB.
const MEMORY: u64 = 256;

/// A key of the right shape and checksum that nobody has; another one for each number.
pub(crate) fn unknown_key(number: u64) -> String {
    const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut text = "ks_live_".to_owned();
    // A multiplicative generator is random enough for keys that open nothing.
    let mut state = u128::from(number) * 2 + 0x9E37_79B9_7F4A_7C15;
    for _ in 0..32 {
        state = state.wrapping_mul(0x0DA9_42E4_2BD9_5B33_4F2F_16B1_0D9A_7C4D) | 1;
        text.push(char::from(
            BASE62[usize::try_from((state >> 96) % 62).unwrap()],
        ));
    }
    let mut sum = crc32(text.as_bytes());
    let mut letters = [0; 6];
    for letter in letters.iter_mut().rev() {
        *letter = BASE62[(sum % 62) as usize];
        sum /= 62;
    }
    text + std::str::from_utf8(&letters).unwrap()
}

/// CRC-32 as in ISO 3309, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let mut sum = u32::MAX;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = (sum >> 1) ^ (0xEDB8_8320 & (sum & 1).wrapping_neg());
        }
    }
    !sum
}

/// Whether the server ends the connection within this time, and what it says before.
async fn ended(stream: &mut TcpStream, within: Duration) -> Option<String> {
    let mut said = Vec::new();
    match tokio::time::timeout(within, stream.read_to_end(&mut said)).await {
        Ok(_) => Some(String::from_utf8_lossy(&said).into_owned()),
        Err(_) => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_connections_hold_nobody_up_and_are_closed() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let address = fixture.url().trim_start_matches("http://");
    let begun = Instant::now();
    let (mut heads, mut bodies) = (Vec::new(), Vec::new());
    for number in 0..500 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        if number < 400 {
            stream
                .write_all(b"GET /v1/users/me HTTP/1.1\r\nhost: e2e\r\n")
                .await
                .unwrap();
            heads.push(stream);
        } else {
            let head = "POST /v1/auth/pw/signin HTTP/1.1\r\nhost: e2e\r\n\
                content-type: application/json\r\ncontent-length: 1000\r\n\r\n";
            stream.write_all(head.as_bytes()).await.unwrap();
            bodies.push(stream);
        }
    }
    let mut times = Times::default();
    let mut drip = 0;
    while begun.elapsed() < Duration::from_secs(9) {
        for stream in &mut bodies {
            let _ = stream.write_all(b" ").await;
        }
        for stream in &mut heads {
            let line = format!("x-{drip}: y\r\n");
            let _ = stream.write_all(line.as_bytes()).await;
        }
        drip += 1;
        let asked = Instant::now();
        fixture.get("/healthz").send().await.expect(200);
        fixture
            .get("/v1/users/me")
            .bearer(fixture.key())
            .send()
            .await
            .expect(200);
        times.add(asked.elapsed());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    print("health and a check beside 500 slow connections", &times);
    assert!(times.worst() < Duration::from_secs(1), "{times}");

    // A head that never ends is given up after ten seconds, however busily it drips.
    let closing = heads
        .iter_mut()
        .map(|stream| ended(stream, Duration::from_secs(5)));
    for said in join_all(closing).await {
        let said = said.expect("a connection without a head is closed");
        assert!(
            said.is_empty() || said.starts_with("HTTP/1.1 408"),
            "{said}"
        );
    }
    print("heads given up after", format!("{:.1?}", begun.elapsed()));
    // A body that never ends, after thirty.
    let closing = bodies.iter_mut().map(|stream| async {
        for _ in 0..200 {
            let mut byte = [0; 4_096];
            match tokio::time::timeout(Duration::from_millis(200), stream.read(&mut byte)).await {
                Ok(read) => {
                    let said = String::from_utf8_lossy(&byte[..read.unwrap_or(0)]).into_owned();
                    return Some(said);
                }
                Err(_) => {
                    let _ = stream.write_all(b" ").await;
                }
            }
        }
        None
    });
    for said in join_all(closing).await {
        let said = said.expect("a body that drips is given up");
        assert!(
            said.starts_with("HTTP/1.1 503") || said.starts_with("HTTP/1.1 408"),
            "{said}"
        );
    }
    print("bodies given up after", format!("{:.1?}", begun.elapsed()));
    fixture.get("/healthz").send().await.expect(200);
    print("memory in MiB", fixture.peak_memory());
    assert!(fixture.peak_memory() < MEMORY);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn forged_tokens_and_random_keys_are_refused_and_push_out_nothing(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    // Small enough that all of them would not fit.
    let fixture = Setup::new(backend)
        .with("CACHE__ENTRIES", "1000")
        .start()
        .await;
    let token = fixture.token_of(&fixture.ada()).await;
    let good = [fixture.key(), &token].map(|credential| Line::get("/v1/users/me", credential));
    let random = number(
        "RANDOM_KEYS",
        if backend == Backend::Sqlite {
            20_000
        } else {
            2_000
        },
    );
    let forged: Vec<_> = (0..2_000).map(|number| forge(&token, number)).collect();
    let random = (0..random as u64).map(unknown_key);
    let bad: Vec<_> = forged.into_iter().chain(random).collect();

    let fixture = &fixture;
    let attack = join_all(bad.chunks(bad.len().div_ceil(4)).map(|chunk| async move {
        let mut line = Line::open(fixture.url()).await.unwrap();
        for credential in chunk {
            let request = Line::get("/v1/users/me", credential);
            let reply = line.ask(&request).await.unwrap().unwrap();
            assert_eq!(reply.status, 401, "{credential}: {}", reply.body);
        }
    }));
    let mut times = Times::default();
    let checks = async {
        let mut line = Line::open(fixture.url()).await.unwrap();
        loop {
            for request in &good {
                let asked = Instant::now();
                let reply = line.ask(request).await.unwrap().unwrap();
                times.add(asked.elapsed());
                assert_eq!(reply.status, 200, "{}", reply.body);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let begun = Instant::now();
    tokio::select! {
        _ = attack => {}
        () = checks => {}
    }
    let each = begun.elapsed() / u32::try_from(bad.len()).unwrap();
    print(
        "one bad credential of four at once takes",
        format!("{each:.1?}"),
    );
    print("checks of good ones meanwhile", &times);
    print("memory in MiB", fixture.peak_memory());
    assert!(times.worst() < Duration::from_secs(2), "{times}");
    assert!(fixture.peak_memory() < MEMORY);
}

/// The token with another signature, or another claim, or another key.
fn forge(token: &str, number: usize) -> String {
    let parts: Vec<&str> = token.split('.').collect();
    let [head, claims, signature] = parts.as_slice() else {
        panic!("{token}");
    };
    let turn = |text: &str, at: usize| {
        let mut letters: Vec<char> = text.chars().collect();
        let at = at % (letters.len() - 1);
        letters[at] = if letters[at] == 'A' { 'B' } else { 'A' };
        letters.into_iter().collect::<String>()
    };
    match number % 3 {
        0 => format!("{head}.{claims}.{}", turn(signature, number)),
        1 => format!("{head}.{}.{signature}", turn(claims, number)),
        _ => format!("{}.{claims}.{signature}", turn(head, number)),
    }
}

async fn sign_in(fixture: &Fixture, email: &str, password: &str) -> Answer {
    let body = json!({ "email": email, "password": password });
    fixture.post("/v1/auth/pw/signin").json(body).send().await
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_known_address_and_an_unknown_one_get_equal_answers_for_equal_work(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let fixture = Fixture::start(backend).await;
    let known = fixture.bob().email;
    let pairs = number("PAIRS", if backend == Backend::Sqlite { 60 } else { 30 });
    let (mut of_known, mut of_unknown) = (Times::default(), Times::default());
    for pair in 0..pairs {
        // As long as the known one.
        let unknown = format!("{:0>3}@example.com", pair % 1_000);
        assert_eq!(unknown.len(), known.len());
        let mut asked = [(&known, &mut of_known), (&unknown, &mut of_unknown)];
        // Whoever comes first finds another machine than whoever comes second.
        if pair % 2 == 1 {
            asked.reverse();
        }
        let mut answers = Vec::new();
        for (email, times) in asked {
            // Not the time: that is of whoever else uses the machine, too.
            let before = fixture.processor_time();
            let answer = sign_in(&fixture, email, "a wrong password")
                .await
                .expect(401);
            times.add(fixture.processor_time().saturating_sub(before));
            answers.push(comparable(&answer));
        }
        assert_eq!(answers[0], answers[1]);
    }
    let ratio = of_unknown.median().as_secs_f64() / of_known.median().as_secs_f64();
    print("sign-in with a known address", &of_known);
    print("sign-in with an unknown address", &of_unknown);
    print("unknown to known", format!("{ratio:.3}"));
    assert!((0.75..=1.25).contains(&ratio), "{ratio}");
}

/// An answer without what is another one each time.
fn comparable(answer: &Answer) -> (u16, Vec<(String, String)>, Value) {
    let changing = ["date", "x-request-id"];
    let headers = answer.headers.iter();
    let mut headers: Vec<_> = headers
        .filter(|(name, _)| !changing.contains(&name.as_str()))
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    headers.sort();
    let mut body = answer.json();
    body["request_id"].take();
    (answer.status, headers, body)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_hundred_sign_ins_at_once_the_excess_is_refused_at_once() {
    let fixture = Fixture::start(Backend::Sqlite).await;
    let before = fixture.memory();
    let bob = fixture.bob();
    let check = Line::get("/v1/users/me", fixture.key());
    let mut line = Line::open(fixture.url()).await.unwrap();
    assert_eq!(line.ask(&check).await.unwrap().unwrap().status, 200);

    let signing_in = join_all((0..200).map(|_| async {
        let asked = Instant::now();
        let answer = sign_in(&fixture, &bob.email, &bob.password).await;
        (answer, asked.elapsed())
    }));
    let mut checks = Times::default();
    let checking = async {
        loop {
            let asked = Instant::now();
            assert_eq!(line.ask(&check).await.unwrap().unwrap().status, 200);
            checks.add(asked.elapsed());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let answers = tokio::select! {
        answers = signing_in => answers,
        () = checking => Vec::new(),
    };
    let (mut accepted, mut refused) = (Times::default(), Times::default());
    for (answer, took) in answers {
        match answer.status {
            200 => accepted.add(took),
            429 | 503 => {
                let wait: u64 = answer.header("retry-after").parse().unwrap();
                assert!((1..=60).contains(&wait), "{wait}");
                refused.add(took);
            }
            other => panic!("{other}: {}", answer.text),
        }
    }
    print("sign-ins accepted", &accepted);
    print("sign-ins refused", &refused);
    print("checks meanwhile", &checks);
    print(
        "memory in MiB, before and at most",
        format!("{before}, {}", fixture.peak_memory()),
    );
    assert!(
        refused.median() < accepted.median(),
        "{refused}; {accepted}"
    );
    assert!(refused.worst() < Duration::from_secs(2), "{refused}");
    // Two slots of 19 MiB, the connections, and the rest as it was.
    assert!(
        fixture.peak_memory() < before + 2 * 19 + 40,
        "{}",
        fixture.peak_memory()
    );
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn too_many_sign_ins_for_one_address_of_mail_are_told_when_to_come_back(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let setup = Setup::new(backend).with("LIMITS__SIGN_IN_PER_EMAIL_PER_MINUTE", "3");
    let fixture = setup.start().await;
    for email in [fixture.bob().email, "nobody@example.com".to_owned()] {
        for _ in 0..3 {
            sign_in(&fixture, &email, "a wrong password")
                .await
                .expect(401);
        }
        // Known or unknown, spelt so or so, the right password or not.
        for email in [email.clone(), email.to_uppercase()] {
            let password = fixture.bob().password;
            assert_limited(&sign_in(&fixture, &email, &password).await);
        }
    }
    let Person {
        email, password, ..
    } = fixture.ada();
    sign_in(&fixture, &email, &password).await.expect(200);
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn too_many_sign_ins_from_one_machine_are_told_when_to_come_back(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let setup = Setup::new(backend).with("LIMITS__SIGN_IN_PER_ADDRESS_PER_MINUTE", "3");
    let fixture = setup.start().await;
    for number in 0..3 {
        let email = format!("{number}@example.com");
        sign_in(&fixture, &email, "a wrong password")
            .await
            .expect(401);
    }
    let ada = fixture.ada();
    assert_limited(&sign_in(&fixture, &ada.email, &ada.password).await);
    let body = json!({ "email": ada.email, "password": ada.password });
    let browser = fixture
        .post("/api/auth/sign-in")
        .origin(fixture.url())
        .json(body);
    assert_limited(&browser.send().await);
    // Whoever is in already is not concerned.
    fixture
        .get("/v1/users/me")
        .bearer(fixture.key())
        .send()
        .await
        .expect(200);
}

#[track_caller]
fn assert_limited(answer: &Answer) {
    assert_eq!(answer.status, 429, "{}", answer.text);
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
}

/// Revoked keys are kept for 90 days: without a limit, one user could fill the store with them.
#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_keeps_creating_and_deleting_keys_is_stopped_until_the_next_day(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let setup = Setup::new(backend).with("LIMITS__API_KEYS_PER_USER_PER_DAY", "3");
    let fixture = setup.start().await;
    let bob = fixture.bob();
    let token = fixture.token_of(&bob).await;
    let create = |bearer: &str| {
        let call = fixture.post("/v1/api-keys").bearer(bearer);
        call.json(json!({ "name": "brief" })).send()
    };
    for _ in 0..3 {
        let made = create(&token).await.expect(201);
        let path = format!("/v1/api-keys/{}", made.text_at("/id"));
        fixture
            .delete(&path)
            .bearer(&token)
            .send()
            .await
            .expect(204);
    }
    let refused = create(&token).await.expect(429);
    assert_eq!(refused.reason(), "too_many_new_keys");
    let seconds: u64 = refused.header("retry-after").parse().unwrap();
    assert!((80_000..=86_400).contains(&seconds), "{seconds}");
    let policy = refused.header("ratelimit-policy");
    assert_eq!(policy, "\"api_keys_per_day\";q=3;w=86400");
    let detail = "3 API keys were created within 24 hours, which is the limit; try again in ";
    assert!(
        refused.text_at("/detail").starts_with(detail),
        "{}",
        refused.text
    );

    // Others have an allowance of their own, and the operator has none.
    create(fixture.key()).await.expect(201);
    let command = ["key", "create", fixture.acme(), &bob.email, "x"];
    let made = fixture.cli(&command).await;
    assert!(made.status.success(), "{made:?}");
}
