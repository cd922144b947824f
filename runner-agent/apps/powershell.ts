/** Runs PowerShell scripts with PowerShell 7. */
import { scriptApp } from './script.ts';

export const powershell = scriptApp({
  program: 'pwsh',
  install: 'PowerShell (https://learn.microsoft.com/powershell/scripting/install, the package powershell)',
  inlineName: 'script.ps1',
  flags: ['-NoLogo', '-NoProfile', '-NonInteractive', '-File'],
  environment: { POWERSHELL_TELEMETRY_OPTOUT: '1', POWERSHELL_UPDATECHECK: 'Off' },
});
