package config

import (
	"errors"
	"reflect"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"github.com/knadh/koanf/v2"
)

// What a value of the wrong type is told, wherever it came from.
var (
	errNotBool     = errors.New("must be true or false")
	errNotWhole    = errors.New("must be a whole number")
	errNotNumber   = errors.New("must be a number")
	errNotDuration = errors.New("must be a duration with a unit, such as 500ms, 30s or 1h30m")
	errNotText     = errors.New("must be text; put quotes around it")
	errNotList     = errors.New("must be a list")
	errNotMapping  = errors.New("must be a mapping")
)

// decode fills cfg, which holds the defaults, from the merged layers. What cannot be read is a problem and leaves the
// default.
func decode(k *koanf.Koanf, cfg *Config, problems *Problems) {
	err := k.UnmarshalWithConf("", cfg, koanf.UnmarshalConf{DecoderConfig: &mapstructure.DecoderConfig{
		DecodeHook:  mapstructure.DecodeHookFuncValue(strictTypes),
		ErrorUnused: true,
		MatchName:   func(key, field string) bool { return key == field },
	}})
	if err != nil {
		collect(err, problems)
	}
}

// collect flattens mapstructure's tree of errors: joined ones, and those of fields, which hold a cause or further ones.
func collect(err error, problems *Problems) {
	var at *mapstructure.DecodeError
	var joined interface{ Unwrap() []error }
	switch {
	case errors.As(err, &joined):
		for _, e := range joined.Unwrap() {
			collect(e, problems)
		}
	case errors.As(err, &at):
		problems.add(dotted(at.Name()), at.Unwrap().Error())
	default:
		problems.add("", err.Error())
	}
}

// dotted turns namespaces[orders].metadata[x-team] into namespaces.orders.metadata.x-team.
func dotted(name string) string {
	return strings.NewReplacer("[", ".", "]", "").Replace(name)
}

// strictTypes refuses every conversion that would guess: a number for text, a bare number for a duration, a fraction
// for a whole number.
func strictTypes(from, to reflect.Value) (any, error) {
	value := from.Interface()
	if to.Type() == reflect.TypeFor[time.Duration]() {
		return durationOf(value)
	}
	ok, err := true, error(nil)
	switch to.Kind() {
	default: // containers, whose parts come here on their own
	case reflect.Bool:
		ok, err = from.Kind() == reflect.Bool, errNotBool
	case reflect.Int, reflect.Int64:
		ok, err = from.CanInt(), errNotWhole
	case reflect.Float64:
		ok, err = from.CanInt() || from.CanFloat(), errNotNumber
	case reflect.String:
		ok, err = from.Kind() == reflect.String, errNotText
	case reflect.Slice:
		ok, err = from.Kind() == reflect.Slice, errNotList
	case reflect.Map:
		ok, err = from.Kind() == reflect.Map, errNotMapping
	}
	if !ok {
		return nil, err
	}
	return value, nil
}

func durationOf(value any) (any, error) {
	switch v := value.(type) {
	case time.Duration:
		return v, nil
	case string:
		return parseDuration(v)
	default:
		return nil, errNotDuration
	}
}

// parseDuration is time.ParseDuration with an error that does not quote its input.
func parseDuration(text string) (any, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		return nil, errNotDuration
	}
	return d, nil
}
