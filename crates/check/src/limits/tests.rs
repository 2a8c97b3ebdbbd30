use vestibule_policy::{Accepts, Rule, RuleTable};

use super::*;
use crate::directory::owner;

const HOUR: Duration = Duration::from_hours(1);

fn plan(requests: u64) -> Plan {
    Plan {
        limits: [(Plan::REQUESTS_PER_MINUTE.to_owned(), requests)].into(),
        ..Plan::bare(PlanName::default())
    }
}

fn table(per: LimitPer) -> RuleTable {
    let rule = Rule::signed_in().limit(LimitSpec {
        name: "things".into(),
        per,
        count: NonZeroU32::new(2).unwrap(),
        window: HOUR,
    });
    RuleTable::builder()
        .add("GET", "/v1/things", Accepts::Bearer, rule)
        .unwrap()
        .build()
}

/// Returns the limiters of all routes of a table.
fn limiters(limits: &Limits, table: &RuleTable) -> Vec<Arc<RuleLimiter>> {
    table
        .limits()
        .map(|(_, spec)| limits.limiter(spec))
        .collect()
}

fn count(limits: &Limits, limiters: &[Arc<RuleLimiter>], who: &Principal) -> Result<(), Limited> {
    let allowances = limits.allowances(who);
    limits.count_by_plan(&allowances, who)?;
    limiters
        .iter()
        .try_for_each(|limiter| limiter.count(&allowances, who))
}

#[test]
fn a_plan_that_allows_no_request_allows_none() {
    let none = plan(0);
    let principal = Principal {
        plan: Arc::new(none.clone()),
        ..owner()
    };
    let limits = Limits::new(&Plans::new([none]));
    let limited = count(&limits, &[], &principal).unwrap_err();
    assert_eq!((limited.count, limited.retry_after), (0, MINUTE));
}

#[test]
fn the_members_of_an_organization_share_what_its_plan_allows() {
    let three = plan(3);
    let one = Principal {
        plan: Arc::new(three.clone()),
        ..owner()
    };
    let colleague = Principal {
        organization_id: one.organization_id,
        plan: Arc::clone(&one.plan),
        ..owner()
    };
    let stranger = Principal {
        plan: Arc::clone(&one.plan),
        ..owner()
    };
    let limits = Limits::new(&Plans::new([three]));
    let count = |principal| count(&limits, &[], principal);
    count(&one).unwrap();
    count(&colleague).unwrap();
    count(&one).unwrap();
    assert_eq!(count(&colleague).unwrap_err().count, 3);
    count(&stranger).unwrap();
}

#[test]
fn a_user_or_credential_is_counted_wherever_it_is_cached() {
    for per in [LimitPer::User, LimitPer::Credential] {
        let table = table(per);
        let limits = Limits::new(&Plans::default());
        let limiters = limiters(&limits, &table);
        let principal = owner();
        let count = |principal| count(&limits, &limiters, principal);
        count(&principal).unwrap();
        limits.forget_idle();
        count(&principal).unwrap();
        assert_eq!(count(&principal).unwrap_err().name, "things");
        count(&owner()).unwrap();
    }
}

#[test]
fn only_those_who_have_used_something_are_remembered() {
    let table = table(LimitPer::User);
    let limits = Limits::new(&Plans::default());
    let limiters = limiters(&limits, &table);
    let cached = limits.allowances(&owner());
    drop(limits.allowances(&owner()));
    let busy = owner();
    count(&limits, &limiters, &busy).unwrap();
    limits.forget_idle();
    assert_eq!(limits.users.remembered(), 2);
    drop(cached);
    limits.forget_idle();
    assert_eq!(limits.users.remembered(), 1);
}
