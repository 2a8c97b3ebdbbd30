//! Who belongs to the organisation, as what, and with which permissions.

use askama::Template;
use axum::extract::RawQuery;
use http::StatusCode;
use vestibule_accounts::limits::PERMISSION_CHANGES;
use vestibule_accounts::{Asked, Error, HolderKind, Member, NewGrant, Page};
use vestibule_handler::Failure;
use vestibule_layer::{Routes, Rule};
use vestibule_model::{
    Capability, Grant, GrantId, HeldGrant, Membership, ResourcePath, Role, User, UserId,
};

use super::access::GroupNames;
use super::linked::{Linked, linked, unlink};
use crate::failure::{Outcome, no_such};
use crate::form::{FORM, Form, Posted};
use crate::frame::Frame;
use crate::paging::{self, Paging};
use crate::respond::page;
use crate::visit::Visit;
use crate::web::Web;
use crate::words::{CAPABILITIES, ROLES, name_of};

const LIST: &str = "/organization/{organization}/members";
const ONE: &str = "/organization/{organization}/members/{user}";
const GRANTS: &str = "/organization/{organization}/members/{user}/permissions";

pub(super) fn routes() -> Routes<Web> {
    let rule = Rule::signed_in().role(Role::Admin);
    let form = rule.clone().consumes(FORM);
    let grants = form.clone().limit(PERMISSION_CHANGES);
    Routes::pages()
        .get(LIST, rule.clone(), list)
        .get(ONE, rule, show)
        .post(ONE, form, change)
        .post(GRANTS, grants, change_grants)
}

#[derive(Template)]
#[template(path = "organization/members.html")]
struct Members<'a> {
    frame: &'a Frame,
    list: Vec<Member>,
    me: UserId,
    paging: Paging,
}

#[derive(Template)]
#[template(path = "organization/member.html")]
struct One<'a> {
    frame: &'a Frame,
    user: User,
    membership: Membership,
    is_me: bool,
    grants: Vec<Grant>,
    /// The grants of the member's groups, with the groups' names.
    through: Vec<(HeldGrant, String)>,
    home: String,
    linked: Vec<Linked>,
    form: &'a Form,
    roles: [Role; 3],
    capabilities: [Capability; 3],
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "templates hand out references"
)]
impl One<'_> {
    /// Returns whether the member has a name besides the address.
    fn has_name(&self) -> bool {
        name_of(&self.user) != self.user.email.as_str()
    }

    fn has_role(&self, role: &Role) -> bool {
        self.membership.role == *role
    }

    /// Returns whether the role alone allows everything.
    fn may_everything(&self) -> bool {
        self.membership.role > Role::User
    }

    /// Returns whether the caller may assign or remove this role.
    fn may_touch(&self, role: &Role) -> bool {
        *role < Role::Owner || self.frame.is_owner()
    }
}

async fn list(visit: Visit, RawQuery(query): RawQuery) -> Outcome {
    let query = Form::parse(query.unwrap_or_default().as_bytes());
    let accounts = visit.web.accounts();
    let members = accounts
        .members(&visit.caller(), paging::part(&query))
        .await?;
    let paging = Paging::new(&members, &visit.frame.path("/members"), &[]);
    page(
        StatusCode::OK,
        &Members {
            frame: &visit.frame,
            me: visit.permit.user_id(),
            list: members.items,
            paging,
        },
    )
}

fn user_of(visit: &Visit) -> Result<UserId, Failure> {
    let named = visit.param("user").and_then(|id| id.parse().ok());
    named.ok_or_else(|| no_such("member"))
}

async fn render(visit: &Visit, user: UserId, form: &Form) -> Outcome {
    let accounts = visit.web.accounts();
    let caller = visit.caller();
    let (user, membership) = accounts.member(&caller, user).await?;
    let most = u32::try_from(Grant::MAX_PER_USER).unwrap_or(u32::MAX);
    let grants = accounts.user_grants(&caller, user.id, None, Page::first(most));
    let grants = grants.await?.items;
    let home = ResourcePath::home_of(user.id);
    let through = through_groups(visit, user.id, &home).await?;
    let linked = linked(visit, user.id).await?;
    page(
        form.status(),
        &One {
            frame: &visit.frame,
            is_me: user.id == visit.permit.user_id(),
            home: home.to_string(),
            user,
            membership,
            grants,
            through,
            linked,
            form,
            roles: ROLES,
            capabilities: CAPABILITIES,
        },
    )
}

/// Returns the grants of a member's groups, as the check sees them.
async fn through_groups(
    visit: &Visit,
    user: UserId,
    home: &ResourcePath,
) -> Result<Vec<(HeldGrant, String)>, Error> {
    let asked = Asked {
        user,
        path: home.clone(),
        capability: Capability::ReadOnly,
    };
    let accounts = visit.web.accounts();
    let access = accounts.explain_access(&visit.caller(), &asked).await?;
    let groups = GroupNames::new(visit).await?;
    let grants = access.grants.into_iter();
    let through = grants.filter_map(|grant| grant.through.map(|group| (grant, groups.of(&group))));
    Ok(through.collect())
}

async fn show(visit: Visit) -> Outcome {
    render(&visit, user_of(&visit)?, &Form::default()).await
}

/// The actions on a membership that the page offers.
async fn change(Posted { visit, mut form }: Posted) -> Outcome {
    let user = user_of(&visit)?;
    let (accounts, caller) = (visit.web.accounts(), visit.caller());
    let here = format!("/members/{user}");
    let act = form.value("act").to_owned();
    let done = match act.as_str() {
        "role" => match form.read::<Role>("role") {
            Some(role) => accounts.set_role(&caller, user, role).await.map(drop),
            None => return render(&visit, user, &form).await,
        },
        "deactivate" => accounts.deactivate_member(&caller, user).await.map(drop),
        "activate" => accounts.activate_member(&caller, user).await.map(drop),
        "remove" => accounts.remove_member(&caller, user).await,
        "unlink" => unlink(&visit, user, &form).await?,
        _ => return Err(no_such("action")),
    };
    match done {
        Ok(()) if act == "remove" => visit.done("/members", "member_removed"),
        Ok(()) if act == "unlink" => visit.done(&here, "unlinked"),
        Ok(()) => visit.done(&here, "member"),
        Err(error) => {
            let form = form.refused(error)?;
            render(&visit, user, &form).await
        }
    }
}

async fn change_grants(Posted { visit, mut form }: Posted) -> Outcome {
    let user = user_of(&visit)?;
    let (accounts, caller) = (visit.web.accounts(), visit.caller());
    let here = format!("/members/{user}");
    let done = if form.has("act", "revoke") {
        let id = form.value("grant").parse::<GrantId>();
        let id = id.map_err(|_| no_such("permission"))?;
        accounts.delete_grant(&caller, HolderKind::User, id).await
    } else {
        let path = form.read::<ResourcePath>("path");
        let capability = form.read::<Capability>("capability");
        let (Some(path), Some(capability)) = (path, capability) else {
            return render(&visit, user, &form).await;
        };
        let grant = NewGrant {
            path,
            capability,
            can_approve: form.has("can_approve", "yes"),
        };
        let granted = accounts.grant_to_user(&caller, user, grant).await;
        granted.map(drop)
    };
    match done {
        Ok(()) => visit.done(&here, "grants"),
        Err(error) => {
            let form = form.refused(error)?;
            render(&visit, user, &form).await
        }
    }
}
