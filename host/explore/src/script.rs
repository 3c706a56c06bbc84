//! A script as a scenario.

use std::{collections::BTreeMap, fmt, rc::Rc, sync::Arc};

use kmdf_abi::ntstatus::NtStatus;
use kmdf_bus::PciFunction;
use kmdf_framework::{File, Irp, Operation, Outcome};
use kmdf_host_client::script::{self, Action, DeviceEvent, Script, Step};
use kmdf_install::User;
use kmdf_session::Interrupts;

use super::{
    scenario::{Scenario, Wrong},
    stage::Stage,
};

/// Makes the devices of a script's machine.
pub type MakeDevices = Arc<dyn Fn() -> Vec<Box<dyn PciFunction>> + Send + Sync>;

/// A script on a machine.
pub struct Scripted {
    name: &'static str,
    script: Script,
    devices: MakeDevices,
    interrupts: Interrupts,
    shared_line: bool,
    user: User,
}

impl Scripted {
    /// A script that is called `name`, on a machine with these devices. The name is kept for the life of
    /// the process.
    pub fn new(
        name: String,
        script: Script,
        devices: MakeDevices,
        interrupts: Interrupts,
        shared_line: bool,
    ) -> Self {
        Self {
            name: name.leak(),
            script,
            devices,
            interrupts,
            shared_line,
            user: User::default(),
        }
    }

    /// The same, played by an app of this user.
    #[must_use]
    pub const fn by(mut self, user: User) -> Self {
        self.user = user;
        self
    }
}

impl fmt::Debug for Scripted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "script {}", self.name)
    }
}

impl Scenario for Scripted {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        "a script"
    }

    fn devices(&self) -> Vec<Box<dyn PciFunction>> {
        (self.devices)()
    }

    fn interrupts(&self) -> Interrupts {
        self.interrupts
    }

    fn shared_line(&self) -> bool {
        self.shared_line
    }

    fn run(&self, stage: &Stage<'_>) -> Result<(), Wrong> {
        stage.host().set_user(self.user);
        let mut player = Player {
            stage,
            files: BTreeMap::new(),
            requests: BTreeMap::new(),
            last: None,
        };
        for step in &self.script.steps {
            player.play(step)?;
        }
        Ok(())
    }
}

/// What a script has made so far. The script was checked: what a step names is there.
struct Player<'a, 'b> {
    stage: &'a Stage<'b>,
    files: BTreeMap<&'a str, Rc<File>>,
    requests: BTreeMap<&'a str, Rc<Irp>>,
    last: Option<Outcome>,
}

impl<'a> Player<'a, '_> {
    fn play(&mut self, step: &'a Step) -> Result<(), Wrong> {
        match &step.action {
            Action::Open {
                file,
                interface,
                instance,
                access,
            } => {
                let opened = self.stage.open(interface.0, *instance, access.0)?;
                self.files.insert(file, opened);
            }
            Action::Close { file } => {
                if let Some(file) = self.files.remove(file.as_str()) {
                    self.stage.host().close(&file);
                    self.stage.host().run_until(move |_| file.is_closed())?;
                }
            }
            Action::Send {
                name,
                file,
                operation,
            } => {
                let Some(file) = self.files.get(file.as_str()) else {
                    return Err(not_there(step, file));
                };
                let irp = self.stage.submit(file, operation_of(operation));
                match name {
                    Some(name) => {
                        self.requests.insert(name, irp);
                    }
                    None => self.last = Some(self.stage.wait(&irp)?),
                }
            }
            Action::Wait { name } => {
                let irp = self.request(step, name)?;
                self.last = Some(self.stage.wait(&irp)?);
            }
            Action::Cancel { name } => {
                let irp = self.request(step, name)?;
                self.stage.host().cancel(&irp);
            }
            Action::Expect { statuses, output } => {
                self.expect(step, statuses, output.as_deref())?;
            }
            Action::Sleep(time) => self.stage.pass(*time)?,
            Action::Device { event, slot } => self.happen(*event, *slot)?,
        }
        Ok(())
    }

    fn request(&self, step: &Step, name: &str) -> Result<Rc<Irp>, Wrong> {
        let found = self.requests.get(name).cloned();
        found.ok_or_else(|| not_there(step, name))
    }

    fn expect(
        &self,
        step: &Step,
        statuses: &[script::NtStatus],
        output: Option<&[u8]>,
    ) -> Result<(), Wrong> {
        let Some(outcome) = &self.last else {
            return Err(not_there(step, "request"));
        };
        let statuses: Vec<_> = statuses
            .iter()
            .map(|status| NtStatus(status.0.cast_signed()))
            .collect();
        let what = format!("the request before line {}", step.line);
        // One that succeeds where only errors are expected is wrong, unless the run disturbs it.
        if outcome.status.is_success()
            && !statuses.contains(&outcome.status)
            && self.stage.is_undisturbed()
        {
            return Err(Wrong::Unexpected(format!(
                "{what} ended with {}, and not with {}",
                outcome.status, statuses[0]
            )));
        }
        let output = output.unwrap_or(&outcome.output);
        self.stage.expect(&what, outcome, output, &statuses)
    }

    fn happen(&self, event: DeviceEvent, slot: usize) -> Result<(), Wrong> {
        match event {
            DeviceEvent::Stop => self.stage.stop(slot),
            DeviceEvent::Start => self.stage.restart(slot, false),
            DeviceEvent::Sleep => self.stage.sleep(slot),
            DeviceEvent::Wake => self.stage.wake(slot),
            DeviceEvent::Remove => self.stage.remove(slot),
            DeviceEvent::SurpriseRemove => self.stage.surprise_remove(slot),
        }
    }
}

fn not_there(step: &Step, name: &str) -> Wrong {
    Wrong::Unexpected(format!(
        "line {}: `{name}` is not there any more",
        step.line
    ))
}

fn operation_of(operation: &script::Operation) -> Operation {
    match operation {
        script::Operation::Control {
            code,
            input,
            output_length,
        } => Operation::Control {
            code: *code,
            input: input.clone(),
            output_length: *output_length as usize,
        },
        script::Operation::Read { length, offset } => Operation::Read {
            offset: *offset,
            length: *length as usize,
        },
        script::Operation::Write { data, offset } => Operation::Write {
            offset: *offset,
            data: data.clone(),
        },
    }
}
