public import RxCore

/// Where the security of client calls is made known: what calls go out through.
public protocol RxSecurityRegistry: Sendable {
  /// Makes a client's security known; targets name it by the reference returned.
  func register(_ security: any RxClientSecurity) -> RxClientSecurityReference

  /// Calls that name `reference` begin with `security` from now on; calls in flight go on under the old one, whose
  /// connections take no new ones.
  func replace(_ reference: RxClientSecurityReference, with security: any RxClientSecurity)

  /// No new calls will name the reference; calls in flight go on.
  func unregister(_ reference: RxClientSecurityReference)
}
