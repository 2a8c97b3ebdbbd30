//! The two stores that every test runs on.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// Which store a fixture keeps its records in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// The embedded one.
    Sqlite,
    /// A database of its own on the PostgreSQL server that `cargo xtask test` starts.
    Postgres,
}

/// A PostgreSQL database that is dropped with this value.
#[derive(Debug)]
pub struct Database {
    server: String,
    name: String,
}

impl Database {
    /// A new, empty database.
    pub async fn create() -> Self {
        let server = std::env::var("VESTIBULE_TEST_POSTGRES").expect(
            "VESTIBULE_TEST_POSTGRES names no PostgreSQL server: run the tests with `cargo xtask \
             test`, or one command with `cargo xtask postgres <command>`",
        );
        let name = format!("e2e_{}", uuid::Uuid::new_v4().simple());
        let mut connection = PgConnection::connect(&server).await.unwrap();
        sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name}")))
            .execute(&mut connection)
            .await
            .unwrap();
        Self { server, name }
    }

    /// The database's URL.
    pub fn url(&self) -> String {
        let (server, _) = self.server.rsplit_once('/').unwrap();
        format!("{server}/{}", self.name)
    }

    /// Host and port of the server.
    pub fn address(&self) -> &str {
        let (_, rest) = self.server.split_once("//").unwrap();
        let (authority, _) = rest.split_once('/').unwrap();
        authority.rsplit('@').next().unwrap()
    }

    /// A connection to the database, for looking behind the scenes.
    pub async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.url()).await.unwrap()
    }

    /// A connection to the server that holds the database, for cutting others' connections.
    pub async fn connect_to_server(&self) -> PgConnection {
        PgConnection::connect(&self.server).await.unwrap()
    }

    /// The database's name.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // In a thread of its own, because the test's runtime may be the one that is ending.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let mut connection = PgConnection::connect(&server).await.unwrap();
                sqlx::query(AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)")))
                    .execute(&mut connection)
                    .await
                    .unwrap();
            });
        });
        let _ = dropping.join();
    }
}
