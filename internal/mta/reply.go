package mta

import (
	"errors"
	"net"

	"github.com/emersion/go-smtp"

	"github.com/mootspace/moot"
)

func refusal(code int, enhanced smtp.EnhancedCode, text string) *smtp.SMTPError {
	return &smtp.SMTPError{Code: code, EnhancedCode: enhanced, Message: text}
}

// reply maps an error to an SMTP reply for an untrusted client (RFC 3463), without
// internal details.
func reply(err error) error {
	var smtpErr *smtp.SMTPError
	var timeout net.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &smtpErr):
		return smtpErr
	case errors.Is(err, smtp.ErrTooLongLine):
		return refusal(554, smtp.EnhancedCode{5, 6, 0}, "a line is too long")
	case errors.As(err, &timeout) && timeout.Timeout():
		return refusal(451, smtp.EnhancedCode{4, 4, 2}, "timeout")
	}
	switch moot.KindOf(err) {
	case moot.NotFound, moot.Revoked:
		return refusal(550, smtp.EnhancedCode{5, 1, 1}, "no such mailbox")
	case moot.Denied, moot.Stranger:
		return refusal(550, smtp.EnhancedCode{5, 7, 1}, "that mailbox accepts no mail from other domains")
	case moot.Full:
		return refusal(452, smtp.EnhancedCode{4, 2, 2}, "the mailbox is full")
	case moot.TooLarge:
		return refusal(552, smtp.EnhancedCode{5, 3, 4}, "the message or its header is too large")
	case moot.Invalid:
		return refusal(554, smtp.EnhancedCode{5, 6, 0}, "the message is malformed")
	}
	return refusal(451, smtp.EnhancedCode{4, 3, 0}, "temporary failure, try again later")
}
