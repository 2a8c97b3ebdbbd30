//! A server that is killed while folders are renamed and deleted: grants are where their folders are.

use std::time::Duration;

use rstest::rstest;
use serde_json::{Value, json};
use vestibule_e2e::{Backend, Fixture, Line, Person, rounds};

use crate::support::{folder, grant, revoke_all, shared};

/// A folder that is renamed again and again, and one that is deleted and made again, by one line.
struct Mover {
    number: usize,
    id: String,
}

/// Renames the folder between two names, and deletes one beside it, until the connection breaks.
async fn move_until_killed(url: String, owner: String, shared: String, mover: &Mover) -> usize {
    let Ok(mut line) = Line::open(&url).await else {
        return 0;
    };
    let (mut done, path) = (0, format!("/v1/folders/{}", mover.id));
    loop {
        let name = format!("{}-{}", ["src", "dst"][done % 2], mover.number);
        let body = json!({ "name": name }).to_string();
        let rename = Line::request("PATCH", &path, &owner, &body);
        let Ok(Some(reply)) = line.ask(&rename).await else {
            return done;
        };
        assert_eq!(reply.status, 200, "{}", reply.body);
        let body =
            json!({ "name": format!("brief-{}", mover.number), "parent_path_part_id": shared });
        let create = Line::request("POST", "/v1/folders", &owner, &body.to_string());
        let Ok(Some(reply)) = line.ask(&create).await else {
            return done;
        };
        // One that was made without an answer may be there.
        assert!([201, 409].contains(&reply.status), "{}", reply.body);
        if reply.status == 201 {
            let made: Value = serde_json::from_str(&reply.body).unwrap();
            let path = format!("/v1/folders/{}", made["id"].as_str().unwrap());
            let delete = Line::request("DELETE", &path, &owner, "");
            let Ok(Some(reply)) = line.ask(&delete).await else {
                return done;
            };
            assert_eq!(reply.status, 204, "{}", reply.body);
        }
        done += 1;
    }
}

async fn granted(fixture: &Fixture, person: &Person) -> Vec<String> {
    let path = format!("/v1/user-permissions?limit=100&user_id={}", person.id);
    let list = fixture.get(&path).bearer(fixture.key()).send().await;
    let list = list.expect(200).json();
    let items = list["items"].as_array().unwrap().iter();
    let mut paths: Vec<_> = items
        .map(|item| item["path"].as_str().unwrap().to_owned())
        .collect();
    paths.sort();
    paths
}

#[rstest]
#[tokio::test(flavor = "multi_thread")]
async fn grants_are_where_their_folders_are_after_every_kill(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    const MOVERS: usize = 3;
    let mut fixture = Fixture::start(backend).await;
    let shared = shared(&fixture).await;
    let dave = fixture.bob();
    revoke_all(&fixture, &dave.id).await;
    let mut movers = Vec::new();
    for number in 0..MOVERS {
        let name = format!("dst-{number}");
        let id = folder(&fixture, Some(&shared), &name).await;
        grant(&fixture, &dave.id, &format!("/shared/{name}"), "READ_ONLY").await;
        grant(
            &fixture,
            &dave.id,
            &format!("/shared/{name}/deep"),
            "READ_WRITE",
        )
        .await;
        movers.push(Mover { number, id });
    }
    let token = fixture.token_of(&dave).await;
    let mut renamed = 0;
    for kill in 0..rounds(4, 200) {
        let (url, owner) = (fixture.url().to_owned(), fixture.key().to_owned());
        let at_work = movers
            .iter()
            .map(|mover| move_until_killed(url.clone(), owner.clone(), shared.clone(), mover));
        let at_work = futures_util::future::join_all(at_work);
        let killed = async {
            tokio::time::sleep(Duration::from_millis(60 + (kill as u64 * 37) % 190)).await;
            fixture.kill().await;
        };
        let (done, ()) = tokio::join!(at_work, killed);
        renamed += done.iter().sum::<usize>();
        fixture.restart().await;

        let mut expected = Vec::new();
        for mover in &movers {
            let path = format!("/v1/folders/{}", mover.id);
            let call = fixture.get(&path).bearer(fixture.key());
            let place = call.send().await.expect(200).text_at("/materialized_path");
            // The holder is let in, whichever of the two names the folder has now.
            let call = fixture.get(&path).bearer(&token);
            call.send().await.expect(200);
            expected.push(format!("{place}/deep"));
            expected.push(place);
        }
        expected.sort();
        assert_eq!(granted(&fixture, &dave).await, expected);
    }
    assert!(renamed > 0);
}
