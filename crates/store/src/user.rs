//! People.

use vestibule_model::{Email, Name, OrganizationId, Role, Timestamp, User, UserId};

use crate::hold::held;
use crate::page::{Listed, Listing, Page, listing};
use crate::sql::{Query, Row, Source, sql};
use crate::{Store, StoreError, Write};

/// The columns of a user `u`.
macro_rules! user_columns {
    () => {
        "u.id AS user_id, u.email, u.first_name, u.last_name, u.created_at AS user_created_at,
         u.suspended_at"
    };
}
pub(crate) use user_columns;

pub(crate) fn read_user(row: &Row<'_>) -> Result<User, StoreError> {
    Ok(User {
        id: row.get("user_id")?,
        email: row.get("email")?,
        first_name: row.get("first_name")?,
        last_name: row.get("last_name")?,
        created_at: row.get("user_created_at")?,
        suspended_at: row.get("suspended_at")?,
    })
}

/// All that a sign-in needs to know of a user.
#[derive(Clone, PartialEq, Eq)]
pub struct SignInRow {
    /// The user, suspended or not.
    pub user: User,
    /// The password's PHC text; `None` where the user signs in by other means alone.
    pub password_hash: Option<String>,
    /// Active memberships in active organisations, the oldest first.
    pub memberships: Vec<(OrganizationId, Role)>,
}

/// Says nothing of the password.
impl std::fmt::Debug for SignInRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignInRow")
            .field("user", &self.user.id)
            .field("memberships", &self.memberships)
            .finish_non_exhaustive()
    }
}

fn by_id(id: UserId) -> Query {
    sql(concat!(
        "SELECT ",
        user_columns!(),
        " FROM user_account u WHERE u.id = $1"
    ))
    .bind(id)
}

/// Selects a user and the oldest membership that counts: active, in an active organisation, and of
/// one organisation alone where the condition names it.
macro_rules! user_and_oldest {
    ($condition:literal) => {
        concat!(
            "SELECT ",
            user_columns!(),
            ", (SELECT m.organization_id
                FROM membership m JOIN organization o ON o.id = m.organization_id
                WHERE m.user_id = u.id AND m.deactivated_at IS NULL
                    AND o.deactivated_at IS NULL",
            $condition,
            " ORDER BY m.created_at, m.organization_id LIMIT 1) AS oldest_id
             FROM user_account u WHERE u.id = $1"
        )
    };
}

async fn user_by_email(
    source: &mut impl Source,
    email: &Email,
) -> Result<Option<User>, StoreError> {
    sql(concat!(
        "SELECT ",
        user_columns!(),
        " FROM user_account u WHERE u.email = $1"
    ))
    .bind(email)
    .optional(source, read_user)
    .await
}

impl Store {
    /// Returns true if a user has nothing but this organisation: no password, and no membership
    /// elsewhere, deactivated or not.
    pub async fn is_only_there(
        &self,
        user: UserId,
        organization: OrganizationId,
    ) -> Result<bool, StoreError> {
        let found = sql("SELECT COUNT(*) AS count FROM user_account u
             WHERE u.id = $1 AND u.password_hash IS NULL AND NOT EXISTS (
                 SELECT 1 FROM membership m WHERE m.user_id = u.id AND m.organization_id <> $2)")
        .bind(user)
        .bind(organization)
        .count(&mut self.reader().await?)
        .await?;
        Ok(found > 0)
    }

    /// A user.
    pub async fn user(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.prompt_optional(by_id(id), read_user).await
    }

    /// Returns a user with the active organisation of the user's oldest active membership, looking
    /// at `only` that organisation where one is given.
    pub async fn user_and_oldest_organization(
        &self,
        id: UserId,
        only: Option<OrganizationId>,
    ) -> Result<Option<(User, Option<OrganizationId>)>, StoreError> {
        let query = match only {
            None => sql(user_and_oldest!("")).bind(id),
            Some(only) => sql(user_and_oldest!(" AND m.organization_id = $2"))
                .bind(id)
                .bind(only),
        };
        let read = |row: &Row<'_>| Ok((read_user(row)?, row.get("oldest_id")?));
        self.prompt_optional(query, read).await
    }

    /// The user with this address.
    pub async fn user_by_email(&self, email: &Email) -> Result<Option<User>, StoreError> {
        user_by_email(&mut self.reader().await?, email).await
    }

    /// The PHC text of a user's password, where the user has one.
    pub async fn password_of(&self, id: UserId) -> Result<Option<String>, StoreError> {
        let row = sql("SELECT password_hash FROM user_account WHERE id = $1")
            .bind(id)
            .optional(&mut self.reader().await?, |row| row.get("password_hash"))
            .await?;
        Ok(row.flatten())
    }

    /// Returns the facts that a sign-in with this address needs, in one query.
    pub async fn sign_in_row(&self, email: &Email) -> Result<Option<SignInRow>, StoreError> {
        let rows = sql(concat!(
            "SELECT ",
            user_columns!(),
            ", u.password_hash, m.organization_id, m.role
             FROM user_account u
             LEFT JOIN (membership m
                 JOIN organization o ON o.id = m.organization_id AND o.deactivated_at IS NULL)
                 ON m.user_id = u.id AND m.deactivated_at IS NULL
             WHERE u.email = $1
             ORDER BY m.created_at, m.organization_id"
        ))
        .bind(email)
        .all(&mut self.reader().await?, |row| {
            let organization: Option<OrganizationId> = row.get("organization_id")?;
            let membership = match organization {
                Some(organization) => Some((organization, row.get("role")?)),
                None => None,
            };
            Ok((read_user(row)?, row.get("password_hash")?, membership))
        })
        .await?;
        let mut found: Option<SignInRow> = None;
        for (user, password_hash, membership) in rows {
            found
                .get_or_insert_with(|| SignInRow {
                    user,
                    password_hash,
                    memberships: Vec::new(),
                })
                .memberships
                .extend(membership);
        }
        Ok(found)
    }

    /// A part of all users, the oldest first. For the operator.
    pub async fn users(&self, page: Page) -> Result<Listed<User>, StoreError> {
        const LIST: Listing = listing!(
            0,
            user_columns!(),
            "user_account u WHERE TRUE",
            "u.created_at",
            "u.id"
        );
        LIST.read(
            &mut self.list_reader().await?,
            page,
            |query| query,
            read_user,
            |user| (user.created_at, user.id.uuid()),
        )
        .await
    }
}

impl Write {
    /// A user, as this transaction sees it.
    pub async fn user(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        by_id(id).optional(self, read_user).await
    }

    /// The user with this address, as this transaction sees it.
    pub async fn user_by_email(&mut self, email: &Email) -> Result<Option<User>, StoreError> {
        user_by_email(self, email).await
    }

    /// Adds a user, with the PHC text of the password where there is one.
    /// [`Conflict::Email`](crate::Conflict::Email) where another has the address.
    pub async fn insert_user(
        &mut self,
        user: &User,
        password_hash: Option<&str>,
    ) -> Result<(), StoreError> {
        sql("INSERT INTO user_account
                (id, email, first_name, last_name, password_hash, created_at, suspended_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)")
        .bind(user.id)
        .bind(&user.email)
        .bind(user.first_name.as_ref())
        .bind(user.last_name.as_ref())
        .bind(password_hash)
        .bind(user.created_at)
        .bind(user.suspended_at)
        .execute(self)
        .await?;
        Ok(())
    }

    /// Returns true if a user exists and is not suspended, and is not suspended before this
    /// transaction ends.
    pub async fn hold_user(&mut self, id: UserId) -> Result<bool, StoreError> {
        self.hold(held!(
            "SELECT 1 AS held FROM user_account WHERE id = $1 AND suspended_at IS NULL"
        ))
        .bind(id)
        .exists(self)
        .await
    }

    /// Returns true if a user is not suspended and has this password, by its PHC text. Neither
    /// changes before this transaction ends.
    pub async fn hold_password(
        &mut self,
        id: UserId,
        password_hash: &str,
    ) -> Result<bool, StoreError> {
        self.hold(held!(
            "SELECT 1 AS held FROM user_account
             WHERE id = $1 AND suspended_at IS NULL AND password_hash = $2"
        ))
        .bind(id)
        .bind(password_hash)
        .exists(self)
        .await
    }

    /// Sets the PHC text of a user's password; whether there is such a user.
    pub async fn set_password(
        &mut self,
        id: UserId,
        password_hash: &str,
    ) -> Result<bool, StoreError> {
        let changed = sql("UPDATE user_account SET password_hash = $2 WHERE id = $1")
            .bind(id)
            .bind(password_hash)
            .execute(self)
            .await?;
        Ok(changed > 0)
    }

    /// Sets what a user is called; whether there is such a user.
    pub async fn set_user_names(
        &mut self,
        id: UserId,
        first: Option<&Name>,
        last: Option<&Name>,
    ) -> Result<bool, StoreError> {
        let changed = sql("UPDATE user_account SET first_name = $2, last_name = $3 WHERE id = $1")
            .bind(id)
            .bind(first)
            .bind(last)
            .execute(self)
            .await?;
        Ok(changed > 0)
    }

    /// Suspends a user, or lets the user in again; whether there is such a user.
    pub async fn set_user_suspended(
        &mut self,
        id: UserId,
        since: Option<Timestamp>,
    ) -> Result<bool, StoreError> {
        let changed = sql("UPDATE user_account SET suspended_at = $2 WHERE id = $1")
            .bind(id)
            .bind(since)
            .execute(self)
            .await?;
        Ok(changed > 0)
    }
}
