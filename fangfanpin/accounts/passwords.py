"""What a password must be, said in our own words: Django's Chinese lags behind its English, and its Chinese page would answer in English."""

from django.contrib.auth import password_validation
from django.utils.translation import gettext as _


class MinimumLengthValidator(password_validation.MinimumLengthValidator):
    def get_error_message(self) -> str:
        return _("密码太短，至少要 %(least)d 位。") % {"least": self.min_length}


class UserAttributeSimilarityValidator(password_validation.UserAttributeSimilarityValidator):
    """Compares with what stands on the account here: the defaults are fields our accounts do not have."""

    def __init__(self) -> None:
        super().__init__(user_attributes=("username", "name", "phone", "unit"))

    def get_error_message(self) -> str:
        return _("密码和您的账号、姓名、电话或单位太像，请换一个。")


class CommonPasswordValidator(password_validation.CommonPasswordValidator):
    def get_error_message(self) -> str:
        return _("这个密码太常见，容易被猜到，请换一个。")


class NumericPasswordValidator(password_validation.NumericPasswordValidator):
    def get_error_message(self) -> str:
        return _("密码不能全是数字，请加上字母或别的字。")
