//! Something to look at: a few folders and documents for the quickstart.

use vestibule_layer::model::{Invalid, OrgScope, OrganizationId, UserId};

use crate::node::{self, Kind};
use crate::{Sample, SampleError};

impl Sample {
    /// Puts a few folders and documents into an organisation, some of them under `/shared`, one
    /// under `/private`, where a plain user sees nothing, and one in the home of this user. What is
    /// there already stays as it is, so that it may be called again. One document bears `name`, by
    /// which people see whose documents they look at; it is part of a path.
    pub async fn seed(
        &self,
        organization_id: OrganizationId,
        user_id: UserId,
        name: &str,
    ) -> Result<(), SampleError> {
        #[expect(
            clippy::disallowed_methods,
            reason = "an operator's command, which has no caller and no permit"
        )]
        let scope = OrgScope::assume(organization_id);
        let mut transaction = self.database.write().await?;
        node::lock(&mut transaction, scope).await?;
        let (shared, home) = self
            .system_folders(&mut transaction, scope, user_id)
            .await?;
        let folder = |parent, path: &str| -> sqlx::Result<_> {
            Ok(self.node(Kind::Folder, parent, path.parse().map_err(fault)?))
        };
        let reports = folder(Some(shared), "/shared/reports")?;
        let reports = self.ensure(&mut transaction, scope, reports).await?;
        let private = folder(None, "/private")?;
        let private = self.ensure(&mut transaction, scope, private).await?;
        let documents = [
            (
                shared,
                format!("/shared/welcome-to-{}", name.to_lowercase()),
                "Everybody with a grant on /shared reads this.",
            ),
            (
                reports,
                "/shared/reports/q1".to_owned(),
                "A grant on /shared covers what lies below it too.",
            ),
            (
                private,
                "/private/plans".to_owned(),
                "Owners and admins read this; a user without a grant does not.",
            ),
            (
                home,
                format!("/users/{user_id}/notes"),
                "Nobody needs a grant for the own home.",
            ),
        ];
        for (parent, path, content) in documents {
            let mut document =
                self.node(Kind::Document, Some(parent), path.parse().map_err(fault)?);
            document.content = Some(content.to_owned());
            document.facts.version.made_by = Some(user_id);
            self.ensure(&mut transaction, scope, document).await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

fn fault(invalid: Invalid) -> sqlx::Error {
    sqlx::Error::Encode(invalid.into())
}
