# NOT RUN ON WINDOWS YET: written from the documentation, parsed, never executed.
<#
.SYNOPSIS
Runs the guest's part from the medium, wherever that is. begin.ps1 puts this onto the disk, the rest stays
on the medium: a later run brings its own.
#>
[CmdletBinding()]
param(
    # How long to wait for the medium.
    [int] $Seconds = 300
)
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

$until = (Get-Date).AddSeconds($Seconds)
while ((Get-Date) -lt $until) {
    foreach ($letter in 'D', 'E', 'F', 'G', 'H') {
        $agent = "${letter}:\edu_kmdf\windows\guest\agent.ps1"
        # Where the drive is not ready this is an error, not an answer.
        if (Test-Path $agent -ErrorAction SilentlyContinue) {
            & $agent
            return
        }
    }
    Start-Sleep -Seconds 2
}
