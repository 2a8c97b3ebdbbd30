//! Doubt about the clock that says what is long gone.

use vestibule_model::Timestamp;

use crate::sql::sql;
use crate::store::Pool;
use crate::{Store, StoreError, UnauditedWrite};

impl Store {
    /// The last moment that is known to have been, where a server has started since whose clock was
    /// too far ahead of it and that nobody has confirmed.
    pub async fn clock_doubt(&self) -> Result<Option<Timestamp>, StoreError> {
        sql("SELECT last_known FROM clock_doubt WHERE id = 1")
            .optional(&mut self.reader().await?, |row| row.get("last_known"))
            .await
    }

    /// The time of the database, where it has a clock of its own: none on SQLite, which is on the
    /// same machine.
    pub async fn own_time(&self) -> Result<Option<Timestamp>, StoreError> {
        match self.pool {
            Pool::Sqlite(_) => Ok(None),
            Pool::Postgres(_) => self.ping().await.map(Some),
        }
    }
}

impl UnauditedWrite {
    /// Remembers the last moment that is known to have been, unless an earlier one is remembered.
    pub async fn doubt_clock(&mut self, last_known: Timestamp) -> Result<(), StoreError> {
        sql("INSERT INTO clock_doubt (id, last_known) VALUES (1, $1)
             ON CONFLICT (id) DO UPDATE SET last_known = excluded.last_known
                 WHERE clock_doubt.last_known > excluded.last_known")
        .bind(last_known)
        .execute(self)
        .await?;
        Ok(())
    }

    /// Forgets all doubt.
    pub async fn trust_clock(&mut self) -> Result<(), StoreError> {
        sql("DELETE FROM clock_doubt").execute(self).await?;
        Ok(())
    }
}
