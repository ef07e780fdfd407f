package import RxCore

/// With what security an identity's calls to a cell go out, and what it lacks.
package struct CallSecurity: Hashable, Sendable {
  package var reference: RxClientSecurityReference
  /// The identity had a token which serves no more; its calls are anonymous, and may read what everybody may.
  package var lapse: Lapse?

  package enum Lapse: Hashable, Sendable {
    /// The token, or the ticket that it came from, has ended.
    case expired
    /// A server did not take it.
    case refused
    /// Its user took it away, while something that it had written was not stored.
    case withdrawn
  }

  package static let anonymous = CallSecurity(reference: .none, lapse: nil)

  package init(reference: RxClientSecurityReference, lapse: Lapse?) {
    self.reference = reference
    self.lapse = lapse
  }

  /// What is said to who may not do something.
  package var refusal: AFSError { lapse == .expired ? .tokenExpired : .accessDenied }

  /// Why this identity must not change anything now; nil when it may.
  /// - Parameter isStore: it is about data that was written before.
  package func obstacle(toStore isStore: Bool) -> AFSError? {
    switch lapse {
    case nil: nil
    case .expired: .tokenExpired
    // Data stays for the next token; anything new is what an anonymous user may do.
    case .refused, .withdrawn: isStore ? .tokenExpired : nil
    }
  }
}
