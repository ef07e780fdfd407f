import AFSCredentials
import AFSFuse
import RxSecurity

/// All that a daemon needs to know about its mount.
struct MountSettings: Sendable {
  var mountPoint: MountPoint
  var options: MountOptions
  /// The cell that names without a cell mean; nil: as the configuration says (`ThisCell`).
  var cell: String?
  /// Its volume location servers, `HOST[:PORT],...`; nil: as the configuration or DNS says.
  var cellServers: String?
  var root: RootChoice
  /// Instead of the usual places.
  var configurationFolder: String?
  /// This mount's own.
  var cacheFolder: String
  var cacheBytes: UInt64
  var callbackPort: UInt16
  var rx: RxSettings
  /// How calls with a token are protected.
  var securityLevel: RxkadLevel
  /// Where tokens are got from without a command; nil: nowhere.
  var automaticTokens: KerberosSource?
}
