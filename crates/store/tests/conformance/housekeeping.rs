//! Tidying up.

use std::time::Duration;

use rstest::rstest;
use vestibule_model::Change;
use vestibule_store::{Pruned, Successor};

use crate::support::{Backend, World, at, record, session};

#[rstest]
#[tokio::test]
async fn only_what_nobody_asks_for_again_is_deleted(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let month = 30 * 24 * 60 * 60;
    let live = world.session(world.owner.id, "live").await;
    let mut old = session(world.scope, world.owner.id);
    old.expires_at = at(-month - 1);
    let mut write = world.store.begin().await.unwrap();
    write.insert_session(&old, None).await.unwrap();
    for (token, ends) in [("dead", -1), ("alive", 1)] {
        let successor = Successor {
            token_id: format!("{token} next"),
            issued_at: at(-3_600),
            expires_at: at(ends),
        };
        write
            .refresh_successor(token, world.organization.id, &successor, Duration::ZERO)
            .await
            .unwrap();
    }
    write.change(Change::Everything);
    write.commit(record("test.prepared")).await.unwrap();
    let mut write = world.store.begin().await.unwrap();
    let pruned = write.prune(at(0)).await.unwrap();
    write.commit_unaudited().await.unwrap();
    let expected = Pruned {
        refreshes: 1,
        sessions: 1,
        sso: 0,
        changes: 0,
    };
    assert_eq!(pruned, expected);
    assert_eq!(world.store.session(old.id).await.unwrap(), None);
    assert_eq!(world.store.session(live.id).await.unwrap(), Some(live));
}
