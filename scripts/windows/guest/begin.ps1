# NOT RUN ON WINDOWS YET: written from the documentation, parsed, never executed.
<#
.SYNOPSIS
Prepares a Windows that scripts/vm installed: test mode, small dumps, no sleep, and a task that runs the
guest's part at each start. The answer file runs it at the first logon. For that virtual machine only.
#>
[CmdletBinding(SupportsShouldProcess)]
param()
. "$PSScriptRoot\..\common.ps1"
Assert-Elevated

$directory = Join-Path $env:ProgramData 'edu_kmdf'
if (-not $PSCmdlet.ShouldProcess($env:COMPUTERNAME, 'test mode, a task at each start, restart')) { return }
$null = New-Item -Force -ItemType Directory -Path $directory
Copy-Item "$PSScriptRoot\launch.ps1" $directory

$null = Invoke-Tool bcdedit @('/set', 'testsigning', 'on') -Hint 'Secure Boot forbids it.'
# After a bug check Windows is to start, not to repair itself.
$null = Invoke-Tool bcdedit @('/set', 'recoveryenabled', 'no')
$null = Invoke-Tool bcdedit @('/set', 'bootstatuspolicy', 'ignoreallfailures')
$null = Invoke-Tool powercfg @('/hibernate', 'off')
foreach ($timeout in 'standby-timeout-ac', 'monitor-timeout-ac', 'disk-timeout-ac') {
    $null = Invoke-Tool powercfg @('/change', $timeout, '0')
}
# A bug check leaves a small dump, and restarts.
$crash = 'HKLM:\SYSTEM\CurrentControlSet\Control\CrashControl'
$null = New-ItemProperty -Force -Path $crash -Name CrashDumpEnabled -PropertyType DWord -Value 3
$null = New-ItemProperty -Force -Path $crash -Name AutoReboot -PropertyType DWord -Value 1

$task = @{
    TaskName  = 'edu_kmdf'
    Action    = New-ScheduledTaskAction -Execute 'powershell.exe' `
        -Argument "-NoProfile -ExecutionPolicy Bypass -File $directory\launch.ps1"
    Trigger   = New-ScheduledTaskTrigger -AtStartup
    Principal = New-ScheduledTaskPrincipal -UserId 'SYSTEM' -LogonType ServiceAccount -RunLevel Highest
    # A task ends after three days, or on battery, unless told otherwise.
    Settings  = New-ScheduledTaskSettingsSet -ExecutionTimeLimit ([TimeSpan]::Zero) -AllowStartIfOnBatteries `
        -DontStopIfGoingOnBatteries
}
$null = Register-ScheduledTask @task -Force
Restart-Computer -Force
