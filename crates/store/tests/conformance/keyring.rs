//! Signing keys.

use rstest::rstest;
use vestibule_model::SigningKeyId;
use vestibule_store::SealedKeyRow;

use crate::support::{Backend, World, at, record};

#[rstest]
#[tokio::test]
async fn signing_keys_are_listed_the_newest_first_retired_and_deleted(
    #[values(Backend::Sqlite, Backend::Postgres)] backend: Backend,
) {
    let world = World::new(backend).await;
    let key = |number: u8, made| SealedKeyRow {
        id: SigningKeyId::from_uuid(uuid::Uuid::from_u128(number.into())),
        sealed: vec![number; 48],
        created_at: at(made),
        retired_at: None,
    };
    let (old, new) = (key(1, 1), key(2, 2));
    assert!(!format!("{old:?}").contains("[1, 1"));
    let mut write = world.store.begin().await.unwrap();
    write.insert_signing_key(&old).await.unwrap();
    write.insert_signing_key(&new).await.unwrap();
    write.commit(record("keyring.rotated")).await.unwrap();
    assert_eq!(
        world.store.signing_keys().await.unwrap(),
        [new.clone(), old.clone()]
    );
    let mut write = world.store.begin().await.unwrap();
    assert_eq!(
        write
            .retire_signing_keys_before(at(2), at(9))
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        write
            .retire_signing_keys_before(at(2), at(10))
            .await
            .unwrap(),
        0
    );
    write.commit(record("keyring.rotated")).await.unwrap();
    let keys = world.store.signing_keys().await.unwrap();
    assert_eq!(
        (keys[0].retired_at, keys[1].retired_at),
        (None, Some(at(9)))
    );
    for (moment, deleted) in [(9, 0), (10, 1)] {
        let mut write = world.store.begin_unaudited().await.unwrap();
        let found = write.delete_signing_keys_retired_before(at(moment)).await;
        assert_eq!(found.unwrap(), deleted);
        write.commit().await.unwrap();
    }
    assert_eq!(
        world.store.signing_keys().await.unwrap(),
        std::slice::from_ref(&new)
    );
    let newest = key(3, 3);
    let mut write = world.store.begin().await.unwrap();
    write.insert_signing_key(&newest).await.unwrap();
    assert_eq!(write.delete_signing_keys_but(newest.id).await.unwrap(), 1);
    write.commit(record("keyring.rotated")).await.unwrap();
    assert_eq!(world.store.signing_keys().await.unwrap(), [newest]);
}
